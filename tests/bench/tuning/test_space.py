"""The space is what a method's file declares, and the learning rate; the first point is always the defaults."""

import math
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.tuning import Dimension
from bench.request.suite import load_suite
from bench.tuning.space import space_of, value_at
from bench.tuning.words import words_of
from methods._cards import read_cards
from methods._registry import cards, load, settings_of

SUITE = load_suite("nano-v1")
METHODS = [name for name, card in cards().items() if not card.variant and "StepWrapper" not in card.acts_on]
MANY = '''"""Many: kinds of settings.

Source     nobody
Differs    nothing
Costs      nothing
"""

from typing import Literal

from methods import LossWeighting, Settings, setting


class ManySettings(Settings):
    wide: float = setting(1.0, low=0.0, search=(0.01, 10.0), doc="positive, more than a decade")
    narrow: float = setting(1.0, low=0.0, search=(1.0, 9.0), doc="less than a decade")
    whole: int = setting(3, low=1, high=9, search=(2, 4), doc="whole numbers")
    form: Literal["a", "b", "c"] = setting("a", search=(0, 2), doc="choices")
    switch: bool = setting(False, search=(0, 1), doc="two choices")
    fixed: float = setting(1.0, doc="not searched")


class Many(LossWeighting):
    name = "many"
    version = 1
    Settings = ManySettings
'''


@pytest.fixture
def many(tmp_path: Path):
    path = tmp_path / "many.py"
    path.write_text(MANY)
    return space_of(read_cards(path)[0], SUITE)


@pytest.mark.parametrize("name", METHODS)
def test_every_point_of_every_method_can_be_run(name):
    """Legal settings, of the JSON that a record will have, also when they come through words; each point once."""
    kind, space = load(name), space_of(cards()[name], SUITE)
    points = space.points(16)
    assert points[0].settings == kind.Settings().model_dump(mode="json")
    assert points[0].learning_rate == SUITE.recipe.learning_rate
    for point in points:
        assert settings_of(kind, point.settings, SUITE.tasks).model_dump(mode="json") == point.settings
        words = dict(word.split("=", 1) for word in words_of(point, space.defaults))
        rate = float(words.pop("recipe.learning_rate", points[0].learning_rate))
        given = {key.removeprefix("method."): text for key, text in words.items()}
        assert settings_of(kind, given, SUITE.tasks).model_dump(mode="json") == point.settings
        assert rate == point.learning_rate
        assert SUITE.recipe.learning_rate / 4 <= rate <= SUITE.recipe.learning_rate * 4
    assert len({repr(point) for point in points}) == 16


def test_a_method_without_settings_tries_learning_rates():
    space = space_of(cards()["uniform"], SUITE)
    assert [dimension.name for dimension in space.dimensions] == ["recipe.learning_rate"]


def test_a_setting_per_task_has_a_dimension_a_task():
    space = space_of(cards()["static"], SUITE)
    assert [dimension.task for dimension in space.dimensions[1:]] == list(SUITE.tasks)
    assert {(d.low, d.high, d.log) for d in space.dimensions[1:]} == {(0.05, 20.0, True)}
    assert all(len(point.settings["weights"]) == len(SUITE.tasks) for point in space.points(4)[1:])


def test_all_methods_try_the_same_learning_rates():
    """Trial by trial, so that no method is lucky with its rates; their own settings are drawn apart."""
    drawn = {name: space_of(cards()[name], SUITE).points(8) for name in ("uniform", "static", "mt_grpo")}
    rates = {tuple(point.learning_rate for point in points) for points in drawn.values()}
    assert len(rates) == 1
    assert len(set(*rates)) == 8


def test_a_suite_and_a_version_have_their_own_points(tmp_path):
    other = space_of(cards()["mt_grpo"], load_suite("smoke-v1"))
    assert other.seeds != space_of(cards()["mt_grpo"], SUITE).seeds
    path = tmp_path / "many.py"
    spaces = []
    for text in (MANY, MANY.replace("version = 1", "version = 2")):
        path.write_text(text)
        spaces.append(space_of(read_cards(path)[0], SUITE))
    one, two = (space.points(2)[1] for space in spaces)
    assert one.learning_rate == two.learning_rate
    assert one.settings != two.settings


def test_more_trials_repeat_those_of_fewer():
    space = space_of(cards()["moco"], SUITE)
    assert space.points(16)[:8] == space.points(8)
    assert space.points(8) == space_of(cards()["moco"], SUITE).points(8)


def test_kinds_of_settings(many):
    """A positive range of more than a decade is drawn on the logarithm, whole numbers and choices evenly."""
    found = {dimension.name: dimension for dimension in many.dimensions}
    assert set(found) == {"recipe.learning_rate", "wide", "narrow", "whole", "form", "switch"}
    assert (found["wide"].log, found["narrow"].log) == (True, False)
    assert (found["form"].choices, found["switch"].choices) == (["a", "b", "c"], [False, True])
    points = [point.settings for point in many.points(61)[1:]]
    assert {point["fixed"] for point in points} == {1.0}
    for name, values in (("whole", [2, 3, 4]), ("form", ["a", "b", "c"]), ("switch", [False, True])):
        counts = [sum(point[name] == value for point in points) for value in values]
        assert sum(counts) == 60
        assert min(counts) >= 60 / len(values) - 6
    assert {type(point["whole"]) for point in points} == {int}
    below = sum(point["wide"] < math.sqrt(0.01 * 10.0) for point in points)
    assert 25 <= below <= 35


@pytest.mark.parametrize(
    ("dimension", "parts", "values"),
    [
        (Dimension(name="x", kind="real", low=0.01, high=1.0, log=True), [0, 0.5, 0.999999], [0.01, 0.1, 1.0]),
        (Dimension(name="x", kind="real", low=-1.0, high=1.0), [0, 0.5, 0.6666666], [-1.0, 0.0, 0.3333]),
        (Dimension(name="x", kind="whole", low=1.0, high=4.0), [0, 0.2499, 0.2501, 0.999], [1, 1, 2, 4]),
        (Dimension(name="x", kind="choice", choices=["a", "b"]), [0, 0.49, 0.5, 0.999], ["a", "a", "b", "b"]),
    ],
)
def test_values_at_parts_of_a_range(dimension, parts, values):
    assert [value_at(dimension, part) for part in parts] == values


def test_a_rate_stays_within_what_a_recipe_may_have():
    recipe = SUITE.recipe.model_copy(update={"learning_rate": 0.5})
    space = space_of(cards()["uniform"], SUITE.model_copy(update={"recipe": recipe}))
    assert (space.dimensions[0].low, space.dimensions[0].high) == (0.125, 1.0)


def test_settings_that_are_no_literals_cannot_be_tuned(tmp_path):
    path = tmp_path / "many.py"
    path.write_text(MANY.replace("search=(2, 4)", "search=tuple(BOUNDS)"))
    with pytest.raises(UserError, match=r"many.py.*literals"):
        space_of(read_cards(path)[0], SUITE)
