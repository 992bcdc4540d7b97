"""What is measured of the base model: once for every model, task and sampling, and again where one of them differs."""

from pathlib import Path

import pytest

from bench.models.base import load_model
from bench.records.attempts import SAMPLES, Attempts
from bench.request.request import parse_request
from bench.run.heldout import HeldOut
from bench.run.prepare import prepare

WORDS = ("method=uniform", "suite=smoke-v1")
DEFAULTS = {"evaluation.items": "8", "tasks": "lookup,arithmetic"}


@pytest.fixture
def measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Measures the base model with some words, and says what had to be measured: phases, in order."""
    monkeypatch.setattr("bench.run.heldout.CACHE", tmp_path)

    def measure(*words: str) -> tuple[HeldOut, list[str]]:
        chosen = DEFAULTS | dict(word.split("=") for word in words) | {"store": str(tmp_path / "store")}
        prepared = prepare(parse_request([*WORDS, *("=".join(each) for each in chosen.items())]))
        phases: list[str] = []
        held_out = HeldOut(*load_model(prepared.request.suite, 0), prepared, True, phases.append)
        held_out.begin()
        return held_out, phases

    return measure


def test_each_task_is_tried_once_for_all_suites_that_have_it(measured) -> None:
    first, phases = measured()
    assert phases == ["evaluate base model"] + [
        f"try {name} several times with the base model" for name in first.before
    ]
    assert {(one.items, one.samples) for one in first.attempts.values()} == {(8, SAMPLES)}

    again, phases = measured()
    assert (again.before, again.attempts, phases) == (first.before, first.attempts, [])

    # another mixture, other training rows, a second sample for the score: the task is the same
    other, phases = measured("tasks=lookup,execution", "recipe.train_rows=100", "evaluation.samples=2")
    assert phases == ["evaluate base model", "try execution several times with the base model"]
    assert other.attempts["lookup"] == first.attempts["lookup"]
    assert {one.samples for one in other.before.values()} == {2}


@pytest.mark.parametrize(
    "word", ["evaluation.seed=5", "recipe.temperature=0.5", "evaluation.skip=8", "evaluation.items=12"]
)
def test_other_sampling_is_another_measurement(measured, word: str) -> None:
    measured()
    _, phases = measured(word)
    assert len(phases) == 3


def test_the_tries_begin_with_the_held_out_samples(measured) -> None:
    """Item by item they are draws from one distribution: the score's first replies are among the tries."""
    found, _ = measured("evaluation.samples=8")
    for name, score in found.before.items():
        right = [score.right.count(count) for count in range(SAMPLES + 1)]
        assert found.attempts[name] == Attempts(
            right=right, at_1=found.attempts[name].at_1, at_8=found.attempts[name].at_8
        )
        assert found.attempts[name].at_1 == pytest.approx(score.mean)
