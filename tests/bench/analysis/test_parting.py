"""When training rewards part: on curves written by hand."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from bench.analysis.parting import STRETCHES, parting
from bench.analysis.runs import Run

MakeRun = Callable[..., Run]
POINTS = 12
"""Two windows a stretch."""


def pairs(make_run: MakeRun, first: Sequence[float], other: Sequence[float], noise: float = 0.001) -> list[Any]:
    """Three seeds, two tasks; rewards by stretch, a little higher with every seed of the first."""

    def run(method: str, seed: int, rewards: Sequence[float], more: float) -> Run:
        points = [[reward + more * seed] * 2 for reward in rewards for _ in range(POINTS // STRETCHES)]
        weights = [0.7, 0.3] if method == "first" else [0.5, 0.5]
        curves = {"reward": points, "weights": [[weights[0] + more * seed, weights[1]]] * POINTS}
        return make_run(method, seed, tasks=2, points=POINTS, curves=curves)

    return [(run("first", seed, first, noise), run("other", seed, other, 0.0)) for seed in range(3)]


FLAT = (0.2,) * 6


def test_they_part_where_one_takes_the_lead_for_good(make_run: MakeRun) -> None:
    """Equal for two stretches, then ahead by 0.1: the third, steps 5 to 6 of 12."""
    found = parting(pairs(make_run, (0.2, 0.2, 0.3, 0.3, 0.3, 0.3), FLAT))
    mean = found[""]
    assert mean is not None
    assert (mean.first, mean.last, mean.steps) == (5, 6, 12)
    assert mean.reward.mean == pytest.approx(0.1 + 0.001)
    assert mean.p < 0.01
    assert {name: each and each.first for name, each in found.items()} == {"": 5, "task_a": 5, "task_b": 5}


def test_a_lead_that_is_lost_again_is_no_parting(make_run: MakeRun) -> None:
    found = parting(pairs(make_run, (0.3, 0.3, 0.3, 0.3, 0.3, 0.1), FLAT))
    assert found[""] is not None
    assert found[""].first == 11  # only the last stretch, where the other is ahead, lasts to the end
    assert found[""].reward.mean < 0


def test_noise_alone_does_not_part(make_run: MakeRun) -> None:
    """Differences of -0.3, 0 and 0.3 over seeds, in every stretch."""
    shaken = [
        (make_run("first", seed, points=6, curves={"reward": [0.5] * 3}),
         make_run("other", seed, points=6, curves={"reward": [0.5 + 0.3 * (seed - 1)] * 3}))
        for seed in range(3)
    ]  # fmt: skip
    assert set(parting(shaken).values()) == {None}


def test_equal_runs_do_not_part(make_run: MakeRun) -> None:
    assert set(parting(pairs(make_run, FLAT, FLAT, noise=0.0)).values()) == {None}


def test_two_seeds_say_nothing(make_run: MakeRun) -> None:
    assert parting(pairs(make_run, (0.9,) * 6, FLAT)[:2]) == {}
    assert parting([]) == {}


def test_a_task_without_prompts_in_a_stretch_is_left_out_with_the_mean(make_run: MakeRun) -> None:
    """As for a plan that trains one task after the other."""
    points = [[0.2, None, 0.1]] * 6 + [[None, 0.3, 0.1]] * 6
    runs = [
        (make_run("plan", seed, points=12, curves={"reward": points}), make_run("other", seed)) for seed in range(3)
    ]
    assert list(parting(runs)) == ["task_c"]


def test_weights_and_shares_are_those_of_the_stretch(make_run: MakeRun) -> None:
    """0.7 + 0.001 times the seed, against 0.5: on average 0.701, and distinguished."""
    mean = parting(pairs(make_run, (0.9,) * 6, FLAT))[""]
    assert mean is not None
    first, second = mean.weights
    assert (first.task, first.first, first.other) == ("task_a", pytest.approx(0.701), pytest.approx(0.5))
    assert first.p is not None
    assert first.p < 0.01
    assert (second.first, second.other) == (pytest.approx(0.3), pytest.approx(0.5))
    assert [share.p for share in mean.shares] == [1.0, 1.0]


def test_runs_with_other_windows_are_compared_by_their_part_of_the_run(make_run: MakeRun) -> None:
    """Three windows against twelve: each covers two stretches."""
    runs = [
        (make_run("first", seed, points=3, curves={"reward": [[0.2] * 3, [0.4] * 3, [0.4 + seed / 1e3] * 3]}),
         make_run("other", seed, points=12, curves={"reward": [0.2] * 3}))
        for seed in range(3)
    ]  # fmt: skip
    mean = parting(runs)[""]
    assert mean is not None
    assert (mean.first, mean.last, mean.steps) == (5, 6, 12)
