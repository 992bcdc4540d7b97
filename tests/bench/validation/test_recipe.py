"""Rules of the recipe that no published record can show: what a suite clips by."""

from typing import Any

import pytest

from bench.records.rules import Case
from bench.request.suite import load_suite
from bench.validation.recipe import clipping
from bench.validation.subject import Subject

NORMS = {"update_norm": [0.5, 3.0], "plain_norm": [2.0, 0.5]}
"""Two steps: one whose plain mean alone is longer than 1, one whose update alone is."""


@pytest.fixture
def said(make_record, tmp_path, checkout):
    """Fields that are wrong with the clipping of a record of two steps, under a limit of 1."""

    def ask(clip: str, **curves: Any) -> list[str]:
        suite = load_suite("nano-v2")
        suite = suite.model_copy(update={"recipe": suite.recipe.model_copy(update={"clip": clip})})
        given = make_record().curves.model_dump()
        two = {name: points[:2] for name, points in given.items()} | {"steps": [1, 2]} | NORMS | curves
        record = make_record(curves=two, ledger={"steps": 2})
        case = Case(tmp_path / "0.json", record)
        return [problem.field for problem in clipping(Subject(case, suite, checkout, settled=False))]

    return ask


@pytest.mark.parametrize(("clip", "clipped"), [("absolute", [0.0, 1.0]), ("relative", [1.0, 0.0])])
def test_a_step_is_clipped_by_what_the_recipe_goes_by(said, clip: str, clipped: list[float]):
    assert said(clip, clipped=clipped) == []
    assert said(clip, clipped=clipped[::-1]) == ["curves.clipped"]
    assert said(clip, clipped=[0.5, 0.5]) == ["curves.clipped"]


def test_without_the_plain_means_norm_only_an_absolute_clip_can_be_followed(said):
    assert said("absolute", clipped=[0.0, 1.0], plain_norm=[]) == []
    assert said("relative", clipped=[1.0, 0.0], plain_norm=[]) == ["curves.plain_norm"]
