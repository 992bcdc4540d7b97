"""The hidden family: every draw is a valid suite, the same words draw the same, and every knob comes up."""

import pytest
import yaml

from bench.request.drawing import KNOBS, drawn, to_yaml
from bench.request.suite import Suite, load_suite, validated
from bench.run.prepare import check_scorable

MANY = drawn(1, 7, 100)


def test_a_round_and_a_seed_fix_the_suites_and_nothing_else_does() -> None:
    assert drawn(1, 7, 3) == MANY[:3]
    assert drawn(2, 7, 3) != MANY[:3]
    assert drawn(1, 8, 3) != MANY[:3]


def test_every_draw_can_be_run() -> None:
    for suite in MANY:
        check_scorable(suite)
        assert 3 <= len(suite.scored_tasks) <= 9
        assert suite.model == load_suite("nano-v2").model


def test_every_knob_comes_up() -> None:
    assert {knob for knob in KNOBS if any(f" {knob}," in suite.summary for suite in MANY)} == set(KNOBS)
    assert any(suite.lora.r for suite in MANY)
    assert any(suite.advantage_scale for suite in MANY)
    assert any(suite.rows for suite in MANY)


@pytest.mark.parametrize("suite", MANY[:20], ids=lambda suite: suite.name)
def test_a_written_suite_is_the_drawn_one(suite: Suite) -> None:
    assert validated(Suite, {**yaml.safe_load(to_yaml(suite)), "name": suite.name}, "here") == suite
