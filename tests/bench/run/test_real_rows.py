"""The real tier on real rows: a tiny model with a chat template is post-trained and evaluated as a published one is.

Rows are those of the data folder where there is one, else written by hand; nothing is fetched.
"""

import os
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from bench.models.files import model_digest
from bench.models.prompts import demonstration
from bench.records.rules import problems_in
from bench.records.schema import Record
from bench.records.store import outcome_digest
from bench.request.request import Request, parse_request
from bench.run.story import Finished, run
from tasks import data_hash
from tasks._data import ROOT, data_root
from tasks._registry import get_task

HAND_WRITTEN = Path(__file__).parents[2] / "tasks" / "data"
REAL = Path(os.environ.get("BALANCEBENCH_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))
TASKS = ("gsm8k", "mbpp", "arc_challenge")
SMALL = (
    "suite=small-v1", f"tasks={','.join(TASKS)}", "revision=none", "dtype=fp32", "lora.r=0",
    "recipe.steps=3", "recipe.prompts_per_task=2", "recipe.rollouts_per_prompt=4", "recipe.max_reply_tokens=20",
    "recipe.train_rows=60", "recipe.validation_rows=2", "recipe.learning_rate=1e-3", "recipe.warmup_steps=0",
    "evaluation.items=4", "standard=none",
)  # fmt: skip
pytestmark = [pytest.mark.filterwarnings("ignore::UserWarning")]


class Silent:
    """A watcher of nothing."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    for name in TASKS:
        (root / name).symlink_to(REAL / name if (REAL / name).is_dir() else HAND_WRITTEN / name)
    return root


@pytest.fixture(autouse=True)
def _surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run sets the variable; it is put back."""
    monkeypatch.setenv(ROOT, "")


@pytest.fixture(scope="module")
def checkpoint(tiny: Any, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model after a few steps on answers of ARC: it answers in the right form, sometimes rightly."""
    folder: Path = tiny.write(tmp_path_factory.mktemp("models") / "tiny")
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)
    task = get_task("arc_challenge")
    with pytest.MonkeyPatch.context() as patch, torch.random.fork_rng([]):
        patch.setenv(ROOT, str(data))
        shown = [demonstration(tokenizer, row.prompt, task.solution(row)) for row in task.rows("train", 48)]
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-2)
    for prompt, reply in islice(cycle(shown), 150):
        ids = torch.tensor([prompt + reply])
        labels = torch.tensor([[-100] * len(prompt) + reply])
        model(input_ids=ids, labels=labels).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


def asked(*words: str) -> Request:
    """A run on the suite, made small; a word replaces SMALL's of the same key."""
    given = dict(word.split("=", 1) for word in (*SMALL, *words))
    return parse_request([f"{key}={value}" for key, value in given.items()])


def trained(checkpoint: Path, data: Path, store: Path, *words: str) -> Finished:
    finished = run(asked(f"model={checkpoint}", f"data_root={data}", f"store={store}", *words), Silent())
    assert finished is not None
    assert finished.fresh
    return finished


def holds(finished: Finished, data: Path) -> Record:
    """What is true of every such run."""
    record = finished.record
    assert problems_in(finished.path) == []
    assert (record.status, record.reason) == ("done", "")
    assert [task.name for task in record.tasks] == list(TASKS)
    assert data_root() == data
    for task in record.tasks:
        rows = (*get_task(task.name).rows("train", 60), *get_task(task.name).rows("heldout", 4))
        assert task.data_hash == data_hash(rows)
        assert task.after is not None
    assert record.ledger.steps == 3
    assert record.ledger.prompts == 3 * 3 * 2
    return record


@pytest.mark.parametrize("regime", ["grpo", "sft"])
def test_three_steps_twice(checkpoint: Path, data: Path, tmp_path: Path, regime: str) -> None:
    """Full training on real rows: something is learned from, and a second run has the same bits."""
    words = ["method=pcgrad", f"regime={regime}"]
    record = holds(trained(checkpoint, data, tmp_path / "a", *words), data)
    assert record.model.digest == model_digest(str(checkpoint))
    assert record.model.trained is None
    loud = [max(norms) for norms in zip(*record.curves.naive_squared_norm, strict=True)]
    assert all(loud) if regime == "sft" else loud[TASKS.index("arc_challenge")] > 0
    again = trained(checkpoint, data, tmp_path / "b", *words).record
    assert again.outcome_digest == record.outcome_digest
    assert again.model.final_digest == record.model.final_digest
    assert again.identity == record.identity


def test_adapters(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    record = holds(trained(checkpoint, data, tmp_path, "method=uniform", "lora.r=4"), data)
    assert record.model.trained is not None
    assert 0 < record.model.trained < record.model.parameters


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["dtype=bf16"],
        ["dtype=bf16", "lora.r=4", "regime=sft"],
        ["gradient_checkpointing=true", "recipe.rollout_batch=8", "recipe.micro_batch=2"],
        ["gradient_checkpointing=true", "regime=sft", "lora.r=4"],
    ],
    ids=" ".join,
)
def test_other_ways_to_train(checkpoint: Path, data: Path, tmp_path: Path, words: list[str]) -> None:
    holds(trained(checkpoint, data, tmp_path, "method=mgda", *words), data)


def test_lm_eval_s_own_tasks_are_in_the_record(checkpoint: Path, data: Path, tmp_path: Path) -> None:
    """Before and after, with what makes them comparable; and the digest of the outcome covers them."""
    if not REAL.is_dir():
        pytest.skip("lm-eval shows five examples of gsm8k, more than were written by hand")
    words = ("method=uniform", "regime=sft", f"standard={','.join(TASKS)}")
    record = holds(trained(checkpoint, data, tmp_path, *words), data)
    found = {one.task: one for one in record.standard}
    assert {name: (one.items, one.fewshot) for name, one in found.items()} == {
        "gsm8k": (4, 5),
        "mbpp": (4, 3),
        "arc_challenge": (4, 0),
    }
    for one in found.values():
        assert 0 <= one.before <= 1
        assert one.after is not None
        assert 0 <= one.after <= 1
    changed = record.model_dump(mode="json")
    changed["standard"][0]["after"] = 0.75
    assert outcome_digest(changed) != record.outcome_digest
