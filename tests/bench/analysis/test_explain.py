"""Where two methods part, in words: what is resolved is claimed, what is not is said to be so."""

from collections.abc import Callable
from typing import Any

import pytest

from bench.analysis.board import board
from bench.analysis.explain import explain
from bench.analysis.rows import Board
from bench.analysis.runs import REFERENCE, Run
from bench.cli.displays.boards import board_of
from bench.errors import UserError
from bench.request.request import RESULTS

MakeRun = Callable[..., Run]


def pair(make_run: MakeRun, first: list[list[int]], other: list[list[int]], **fields: Any) -> Board:
    """A board of two methods; gains in items of 40, one list a seed; fields of the first's records."""
    runs = [make_run("first", seed, gains=gains, **fields) for seed, gains in enumerate(first)]
    return board(runs + [make_run(REFERENCE, seed, gains=gains) for seed, gains in enumerate(other)])


def test_a_task_that_differs_is_named_with_its_interval(make_run: MakeRun) -> None:
    """Differences of 8, 9 and 10 items on the second task, which are 0.225 +- 4.303 * 0.025 / sqrt(3) = 0.062."""
    found = explain(pair(make_run, [[4, 12, 4], [4, 13, 4], [4, 14, 4]], [[4, 4, 4]] * 3), ["first", REFERENCE])
    assert "first gains more on task_b: +0.225 [+0.163, +0.287], corrected p = 0.012." in found.sentences
    assert not any("on task_a" in sentence or "on task_c" in sentence for sentence in found.sentences)
    assert "first gains more on seeds 0, 1, 2." in found.sentences
    assert found.seeds == {seed: pytest.approx((8 + seed) / 40 / 3) for seed in range(3)}


def test_what_is_not_resolved_is_not_claimed(make_run: MakeRun) -> None:
    """One seed up, one down, one equal."""
    found = explain(pair(make_run, [[6, 4, 4], [2, 4, 4], [4, 4, 4]], [[4, 4, 4]] * 3), ["first", REFERENCE])
    text = " ".join(found.sentences)
    assert "cannot be distinguished from uniform on the mean" in text
    assert "first gains more on seed 0; uniform gains more on seed 1." in found.sentences
    assert "They spend the same prompts, sampled tokens and backward passes." in found.sentences
    assert "The imbalance of their gradients does not differ for certain." in found.sentences
    assert "Neither method's mean training reward stays ahead" in text


def test_one_seed_against_all_others_is_said(make_run: MakeRun) -> None:
    found = explain(pair(make_run, [[20, 4, 4], [3, 4, 4], [3, 4, 4]], [[4, 4, 4]] * 3), ["first", REFERENCE])
    assert any(sentence.startswith("Seed 0 alone contradicts the others: +0.133") for sentence in found.sentences)


def test_costs_are_ratios_over_seeds(make_run: MakeRun) -> None:
    """Twice the backward passes of 192 sequences on every seed."""
    fields = {"ledger": {"backward_passes": 384}}
    found = explain(pair(make_run, [[4, 4, 4]] * 3, [[4, 4, 4]] * 3, **fields), ["first", REFERENCE])
    assert "first spends 2 times the backward passes of uniform [2, 2]." in found.sentences


def test_seconds_that_records_do_not_have_are_not_compared(make_run: MakeRun) -> None:
    found = explain(pair(make_run, [[4, 4, 4]] * 3, [[4, 4, 4]] * 3), ["first", REFERENCE])
    assert found.costs["cpu_seconds"] is None
    assert any("CPU seconds cannot be compared" in sentence for sentence in found.sentences)


def test_imbalance_is_compared_run_by_run(make_run: MakeRun) -> None:
    """Norm ratios of about 30 against 3: a difference of log 10 = 2.3."""
    runs = [make_run("first", seed, curves={"squared_norm": [1.0, 2.0, 30.0 + seed]}) for seed in range(3)]
    runs += [make_run(REFERENCE, seed, curves={"squared_norm": [1.0, 2.0, 3.0]}) for seed in range(3)]
    found = explain(board(runs), ["first", REFERENCE])
    ratio = found.imbalances["logarithm of the norm ratio"]
    assert ratio is not None
    assert ratio.mean == pytest.approx(2.335, abs=0.001)
    assert any(
        sentence.startswith("The logarithm of the norm ratio of first is larger") for sentence in found.sentences
    )


@pytest.mark.parametrize(("seeds", "said"), [([9], "share no seed"), ([0], "One seed says nothing about spread")])
def test_few_seeds_claim_nothing(make_run: MakeRun, seeds: list[int], said: str) -> None:
    runs = [make_run("first", seed, gains=[30, 4, 4]) for seed in seeds]
    found = explain(board([*runs, make_run(REFERENCE, 0)]), ["first", REFERENCE])
    text = " ".join(found.sentences)
    assert said in text
    assert "When they diverge is not known" in text
    assert "gains more on task" not in text


@pytest.mark.parametrize("labels", [["first"], ["first", REFERENCE, "third"], ["first", "first"], ["first", "nobody"]])
def test_two_different_methods_of_the_board_are_asked_for(make_run: MakeRun, labels: list[str]) -> None:
    with pytest.raises(UserError):
        explain(pair(make_run, [[4, 4, 4]], [[4, 4, 4]]), labels)


def test_published_methods_the_other_way_round_are_the_same_with_the_other_sign() -> None:
    found = board_of(RESULTS, "nano-v1")
    here, there = explain(found, ["mgda", "uniform"]), explain(found, ["uniform", "mgda"])
    assert here.seeds == {seed: pytest.approx(-gap) for seed, gap in there.seeds.items()}
    for name, one in here.partings.items():
        other = there.partings[name]
        assert (one is None) == (other is None)
        if one and other:
            assert (one.first, one.reward.mean) == (other.first, pytest.approx(-other.reward.mean))
    claimed = [sum(line.startswith("uniform gains more on ") for line in each.sentences) for each in (here, there)]
    assert claimed == [3, 3]  # two tasks after correction for all rows and tasks of the board, and a line for the seeds
    assert any(
        "From steps 1 to 10 of 60 on, mgda stays ahead in training reward on column_addition" in line
        for line in here.sentences
    )
