"""The runs behind a suite's gate: which they are, on what they are measured, and that a missing one is seen."""

import sys
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from bench.request.request import parse_request
from bench.request.suite import load_suite
from bench.run.choices import chosen_methods
from bench.sweeps.words import parse
from bench.tuning.gate import PANEL, asked, panel_words, planned, rate_words, rates, settled, static_words

DIES = (sys.executable, "-c", "raise SystemExit('bench: it died')")
"""Stands in for `bench run`."""
SMOKE = load_suite("smoke-v1")


class Quiet:
    """A reporter that says nothing."""

    def started(self, run: Any, attempt: Any) -> None: ...
    def again(self, run: Any, reason: Any) -> None: ...
    def ended(self, outcome: Any) -> None: ...
    def look(self, active: Any, waiting: Any) -> None: ...


def test_rates_are_multiples_of_the_suites_own_which_is_among_them() -> None:
    wanted = asked("smoke-v1", ["factors=0.5,2,4"])
    assert list(rates(wanted)) == pytest.approx([2.5e-5, 5e-5, 1e-4, 2e-4])
    assert rate_words(wanted)["5e-05"] == ["method=uniform"]


def test_no_run_meets_what_is_reported(tmp_path: Path) -> None:
    """Other seeds, other held-out items, another store."""
    wanted = asked("smoke-v1", ["seeds=3", f"store={tmp_path}"])
    assert not set(wanted.seeds) & set(SMOKE.seeds)
    assert set(wanted.scan_seeds) < set(wanted.seeds)
    plan = planned(wanted, panel_words(wanted), wanted.seeds)
    assert len(plan.entries) == 3 * len(wanted.panel) == 24
    for entry in plan.entries:
        request = parse_request(entry.run.words)
        assert request.suite.evaluation.skip == SMOKE.evaluation.items
        assert request.store == tmp_path


@pytest.mark.parametrize("regime", PANEL)
def test_the_panel_has_eight_methods_of_different_kinds_that_run(regime: str) -> None:
    suite = {"grpo": "smoke-v1", "sft": "smoke-sft-v1"}[regime]
    found = [chosen_methods(parse_request([f"method={name}", f"suite={suite}"]))[0] for name in PANEL[regime]]
    assert len({each.card.name for each in found}) == 8
    assert len({tuple(each.card.acts_on) for each in found}) >= 3


def test_points_of_static_weights_can_be_run() -> None:
    grid = static_words({"20 on lookup": {"lookup": 20.0}, "reply length": {"arithmetic": 0.5, "lookup": 1.0}})
    assert grid["20 on lookup"] == ["method=static", "method.weights=lookup:20"]
    assert grid["reply length"] == ["method=static", "method.weights=arithmetic:0.5,lookup:1"]
    for words in grid.values():
        chosen_methods(parse([*words, "suite=smoke-v1"])[0][0].request)


def test_a_run_that_dies_is_missing_from_its_stage(tmp_path: Path) -> None:
    wanted = asked("smoke-v1", ["seeds=1", "workers=1", f"store={tmp_path}"])
    labelled = {"uniform": ["method=uniform"]}
    stage = settled(wanted, labelled, wanted.seeds, planned(wanted, labelled, wanted.seeds), Quiet(), DIES)
    assert stage.records == {"uniform": []}
    assert stage.summary.exit_code == 1


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["seeds=0"], "whole number from 1 to 100"),
        (["factors=x"], "not a list of numbers"),
        (["factors=-1"], "above 0"),
        (["recipe.steps=3"], "say each of these at most once"),
        (["seeds=1", "seeds=2"], "at most once"),
    ],
)
def test_words_that_say_something_else_are_refused(words: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        asked("smoke-v1", words)
