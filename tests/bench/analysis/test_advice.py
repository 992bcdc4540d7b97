"""Which row answers a need: certain winners only, by the need's own rule, and the reference where there is none."""

from pathlib import Path

import pytest

from bench.analysis.advice import KINDS, MERGING, NEEDS, choices, kind_of, price
from bench.analysis.board import board
from bench.analysis.runs import Run
from bench.request.suite import suite_names
from methods._registry import cards

SPREAD = ([0, 0], [1, 1], [2, 2], [3, 3])
"""Gains of the reference in items of 40, by seed and task; what is added to them is the difference."""


@pytest.fixture
def answered(make_record):
    """The choices among methods, from what each gains beyond the reference, by task, and its backward passes."""

    def answered(beyond, suite="nano-v1", passes=(), seeds=4):
        runs = []
        for name, more in {"uniform": (0, 0), **beyond}.items():
            for seed, base in enumerate(SPREAD[:seeds]):
                # A wobble of one item keeps differences from having no spread at all.
                wobble = seed % 2 if name != "uniform" else 0
                gains = [gain + each + wobble for gain, each in zip(base, more, strict=True)]
                ledger = {"backward_passes": dict(passes).get(name, 192)}
                record = make_record(2, name, seed, suite, gains=gains, ledger=ledger)
                runs.append(Run(Path(suite, name, f"{seed}.json"), record))
        return choices(board(runs))

    return answered


def test_the_best_mean_is_the_largest_certain_difference(answered):
    chosen = answered({"much": (8, 8), "more": (10, 10), "same": (0, -1)})["mean"]
    assert chosen.label == "more"
    assert chosen.difference.mean == pytest.approx(10.5 / 40)
    assert chosen.p < 0.05
    assert chosen.compared == 3
    assert chosen.rival is None


def test_the_safest_worst_task_need_not_be_the_best_mean(answered):
    found = answered({"lopsided": (20, -1), "even": (8, 8)})
    assert found["mean"].label == "lopsided"
    assert found["worst"].label == "even"
    assert found["worst"].score.mean == pytest.approx((1.5 + 8.5) / 40)


def test_the_cheapest_is_better_for_certain_and_costs_least(answered):
    found = answered({"dear": (12, 12), "cheap": (8, 8), "free": (0, 0)}, passes={"dear": 400, "free": 10}.items())
    assert found["mean"].label == "dear"
    assert found["cost"].label == "cheap"
    assert found["mean"].costs["backward_passes"] == pytest.approx(400 / 192)


def test_the_fastest_is_chosen_by_training_reward_and_not_by_gain(make_record):
    """`quick` has more reward all through the run and ends no better; `late` ends better."""
    runs = []
    for name, level, more in (("uniform", 0.25, 0), ("quick", 0.5, 0), ("late", 0.25, 8)):
        for seed in range(4):
            reward = [[level + seed / 64 + (seed % 2) / 64 * (name != "uniform")] * 2] * 4
            gains = [seed + more + seed % 2 * (name != "uniform")] * 2
            record = make_record(2, name, seed, gains=gains, curves={"reward": reward})
            runs.append(Run(Path("nano-v1", name, f"{seed}.json"), record))

    found = choices(board(runs))
    assert (found["mean"].label, found["speed"].label) == ("late", "quick")
    assert found["speed"].difference.mean == pytest.approx(0.25 + 1 / 128)
    assert found["speed"].measure == "mean training reward"
    assert found["speed"].alike == []


def test_without_a_certain_winner_the_answer_is_the_reference_and_names_the_largest_difference(answered):
    found = answered({"near": (0, 0), "worse": (-1, -1)}, seeds=2)
    assert {key: each.label for key, each in found.items()} == dict.fromkeys(
        ("mean", "worst", "speed", "cost"), "uniform"
    )
    assert found["mean"].rival.label == "near"
    assert found["mean"].difference is None


def test_fixed_weights_and_specialists_are_no_candidates(answered):
    found = answered({"static": (15, 15), "single_task": (16, 16), "pcgrad": (6, 6)})
    assert found["mean"].label == "pcgrad"
    assert found["mean"].compared == 1


def test_only_merging_methods_answer_the_need_for_them(answered):
    found = answered({"ties": (6, 6), "pcgrad": (12, 12)})
    assert (found["mean"].label, found["merge"].label) == ("pcgrad", "ties")
    assert "merge" not in answered({"pcgrad": (12, 12)})


def test_a_suite_answers_the_needs_of_its_kind_alone(answered):
    assert set(answered({"pcgrad": (6, 6)}, suite="nano-noise-v1")) == {"noise"}
    assert set(answered({"pcgrad": (6, 6)}, suite="nano-sft-v2")) == {"sft"}


def test_without_the_reference_or_without_others_there_is_no_answer(make_record):
    for name in ("uniform", "pcgrad"):
        runs = [Run(Path("nano-v1", name, f"{seed}.json"), make_record(2, name, seed)) for seed in range(3)]
        assert choices(board(runs)) == {}


def test_the_price_is_the_dearest_currency_and_infinite_where_none_is_known(make_record):
    runs = [Run(Path("nano-v1", "pcgrad", "0.json"), make_record(2, "pcgrad", 0))]
    assert price(board(runs).rows[0]) == float("inf")


def test_every_kind_has_a_suite_and_a_need():
    kinds = {kind_of(name) for name in suite_names()}
    assert kinds == {"", *KINDS} == {need.kind for need in NEEDS}


@pytest.mark.parametrize(
    ("suite", "kind"),
    [("nano-v2", ""), ("nano-dead-v1", "dead"), ("smoke-sft-v1", "sft"), ("paper-math-llama3b-v1", ""), ("x", "")],
)
def test_the_kind_of_a_suite_is_in_its_name(suite, kind):
    assert kind_of(suite) == kind


def test_the_suite_that_would_answer_is_one_of_the_needs_kind():
    assert all(need.suite in suite_names() and kind_of(need.suite) == need.kind for need in NEEDS)


def test_merging_methods_are_plans_and_none_that_merges_is_left_out():
    assert all(cards()[name].acts_on == ("RunPlan",) for name in MERGING)
    merging = {card.name for card in cards().values() if "methods._merging" in card.path.read_text("utf-8")}
    assert merging <= set(MERGING)
