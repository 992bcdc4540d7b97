"""`bench cost`: the method and uniform take turns on the same batches."""

import pytest

from bench.errors import UserError
from bench.request.request import parse_request
from bench.run.cost import step_cost


class Silent:
    """Counts the rounds that are told."""

    def __init__(self) -> None:
        self.phases: list[str] = []

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.mark.parametrize("words", [["method=pcgrad"], ["method=dr_grpo"], ["method=uniform", "wrapper=samo"]], ids=str)
def test_both_take_the_same_number_of_turns_and_nothing_is_recorded(tmp_path, words):
    watcher = Silent()
    found = step_cost(parse_request([*words, "suite=smoke-v1", f"store={tmp_path}"]), 2, watcher)
    assert found.suite == "smoke-v1"
    assert found.rounds == 2
    assert 0 < found.least <= found.ratio <= found.most
    assert found.seconds > 0
    assert watcher.phases[-3:] == ["warm-up", "round 1 of 2", "round 2 of 2"]
    assert not list(tmp_path.rglob("*.json"))


def test_extra_passes_show(tmp_path):
    """SAMO takes gradients at moved parameters: a second pass over every batch, and so at least half as much again."""
    words = ["method=uniform", "wrapper=samo", "suite=smoke-v1", f"store={tmp_path}"]
    assert step_cost(parse_request(words), 3, Silent()).ratio > 1.3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["method=forkmerge", "suite=smoke-v1"], "is a plan of runs"),
        (["method=uniform", "suite=smoke-sft-v1"], "Choose a suite with regime=grpo"),
    ],
)
def test_what_has_no_step_of_its_own_is_refused(tmp_path, words, said):
    with pytest.raises(UserError, match=said):
        step_cost(parse_request([*words, f"store={tmp_path}"]), 1, Silent())
