"""The suites on smol run: two steps of each, with few prompts, where the base model is cached."""

from pathlib import Path

import pytest

from bench.models.fetched import is_here
from bench.request.request import parse_request
from bench.run.story import run

pytestmark = pytest.mark.skipif(not is_here("smollm2"), reason="smollm2 is not cached: `bench fetch smollm2`")
FEW = ["recipe.steps=2", "recipe.prompts_per_task=1", "recipe.train_rows=8", "evaluation.items=4"]


class Silent:
    def phase(self, name: str) -> None: ...
    def step(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    "words", [["suite=smol-v1", "recipe.rollouts_per_prompt=4"], ["suite=smol-sft-v1", "recipe.validation_rows=4"]]
)
def test_two_steps_are_trained_and_recorded(words: list[str], tmp_path: Path) -> None:
    """The record names adapter and base in one digest, and each task has a norm."""
    request = parse_request(
        ["method=norm_equalised", *words, *FEW, "tasks=passage_lookup,tallest", f"store={tmp_path}"]
    )
    finished = run(request, Silent())
    assert finished
    record = finished.record
    assert record.status == "done"
    assert record.model.name == "smol"
    assert record.ledger.steps == 2
    assert [task.name for task in record.tasks] == ["passage_lookup", "tallest"]
    assert all(task.after for task in record.tasks)
