"""Points of static weights: what the grid has, what lies between its best, and how a suite's file names them."""

import math

import pytest
import yaml

from bench.request.request import parse_request
from bench.request.suite import SUITES, Suite, load_suite, suite_names
from bench.run.choices import chosen_methods
from bench.tuning.statics import designed, in_suite, refined, written

SMOKE = load_suite("smoke-v1")
FAMILY = [name for name in suite_names() if load_suite(name).model == "nano2"]


def grid_of(suite: Suite) -> dict[str, dict[str, float]]:
    tasks = len(suite.tasks)
    return designed(suite, [4.0 + place for place in range(tasks)], [0.1 + place for place in range(tasks)])


def shares(weights: dict[str, float], suite: Suite = SMOKE) -> list[float]:
    given = [weights.get(name, 1.0) for name in suite.tasks]
    return [weight / sum(given) for weight in given]


@pytest.mark.parametrize("name", FAMILY)
def test_about_sixteen_points_are_tried_however_many_tasks_there_are(name: str) -> None:
    suite = load_suite(name)
    grid = grid_of(suite)
    gains = {label: -place for place, label in enumerate(["uniform", *grid])}
    found = {**grid, **refined(suite, grid, gains)}
    assert 13 <= len(found) <= 18
    known = [tuple(round(share, 4) for share in shares(weights, suite)) for weights in found.values()]
    assert len({*known, (round(1 / len(suite.tasks), 4),) * len(suite.tasks)}) == len(known) + 1, "no point twice"


def test_the_grid_by_hand() -> None:
    grid = designed(SMOKE, [4.0, 6.0, 3.0], [0.25, None, -1.0])
    assert grid["20 on lookup"] == {"lookup": 20}
    assert grid["4 on lookup"] == {"lookup": 4}
    assert written(grid["reply length"]) == "arithmetic:0.6667,induction:1,lookup:0.5"
    assert shares(grid["inverse norm"]) == pytest.approx([1 / 3] * 3), "one known norm stands for all"
    assert "none on tasks that are not scored" not in grid


def test_tasks_that_are_not_scored_are_left_out_and_never_raised() -> None:
    suite = load_suite("nano-noise-v1")
    grid = grid_of(suite)
    assert grid["none on tasks that are not scored"] == {"coin_addition": 0.0, "coin_reassignment": 0.0}
    assert not [label for label in grid if " on coin" in label]


def test_the_best_two_have_a_point_half_way_between_them() -> None:
    grid = {"low": {"arithmetic": 0.25}, "high": {"lookup": 4.0}, "poor": {"induction": 9.0}}
    found = refined(SMOKE, grid, {"low": 0.3, "high": 0.2, "uniform": 0.1, "poor": 0.0})
    assert list(found) == ["between low and high", "between low and uniform"]
    middle = [found["between low and high"][name] for name in SMOKE.tasks]
    expected = {"arithmetic": 0.5, "induction": 1.0, "lookup": 2.0}
    least = middle[SMOKE.tasks.index("induction")]
    assert {name: weight / least for name, weight in zip(SMOKE.tasks, middle, strict=True)} == pytest.approx(expected)


def test_no_point_is_tried_twice() -> None:
    """Between the inverse norms and equal weights lies their root, which the grid has."""
    grid = designed(SMOKE, [4.0, 6.0, 3.0], [0.25, 1.0, 4.0])
    gains = dict.fromkeys(grid, 0.0) | {"inverse norm": 0.3, "uniform": 0.2, "root of inverse norm": 0.1}
    assert list(refined(SMOKE, grid, gains)) == [
        "between inverse norm and root of inverse norm",
        "between uniform and root of inverse norm",
    ]


def test_a_weight_of_zero_stays_zero_between_points() -> None:
    suite = load_suite("nano-noise-v1")
    grid = grid_of(suite)
    best, other = "none on tasks that are not scored", "reply length"
    (first, *_) = refined(suite, grid, {best: 0.3, other: 0.2}).values()
    assert first["coin_addition"] == 0
    assert first["lookup"] / first["addition"] == pytest.approx(
        math.sqrt(grid[other]["lookup"] / grid[other]["addition"])
    )


@pytest.mark.parametrize("name", ["nano-v1", "nano-v2", "nano-noise-v1"])
def test_a_suites_file_names_the_points_and_keeps_all_else(name: str) -> None:
    suite, text = load_suite(name), (SUITES / f"{name}.yaml").read_text()
    grid = grid_of(suite)
    points = {**grid, **refined(suite, grid, {label: -place for place, label in enumerate(grid)})}
    once = in_suite(text, name, points)
    assert in_suite(once, name, points) == once, "and again"

    data = yaml.safe_load(once)
    named = Suite.model_validate({**data, "name": name})
    assert named.digest == suite.digest
    assert {**data, "sweep": None} == {**yaml.safe_load(text), "sweep": None}
    assert [line.split(" # ")[1] for line in once.splitlines() if line.startswith('  - "')] == list(points)
    for weights in named.sweep:
        chosen_methods(parse_request(["method=static", f"suite={name}", f"method.weights={weights}"]))
