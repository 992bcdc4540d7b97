"""Tests of differences: exact p-values by hand, corrections by hand and by enumeration, their error by simulation."""

import itertools
import math

import numpy as np
import pytest

from bench.analysis.significance import ALPHA, adjusted, holm, paired_p, sign_flip_p, step_down


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        # of the 64 sign patterns only all + and all - are as far from zero
        ([1, 2, 3, 4, 5, 6], 2 / 64),
        # flipping the 1 gives 19: {all, all but the 1} and their mirrors are at least 19 away
        ([-1, 2, 3, 4, 5, 6], 4 / 64),
        # every pattern is as far as this one: nothing differs
        ([0, 0, 0, 0, 0, 0], 1.0),
        # + and - cancel: every pattern is at least 0 away
        ([1, -1, 1, -1, 1, -1], 1.0),
        # one sign of eight is wrong and smallest: four patterns of 256
        ([-1, 2, 2, 2, 2, 2, 2, 2], 4 / 256),
        # five cannot reach 5 %
        ([1, 2, 3, 4, 5], None),
    ],
)
def test_sign_flip_p_values_are_exact(differences: list[float], expected: float | None) -> None:
    assert sign_flip_p(differences) == expected


def test_sign_flip_p_does_not_depend_on_the_unit() -> None:
    data = [0.3, -0.1, 0.2, 0.4, 0.15, 0.05, 0.02]
    assert sign_flip_p(data) == sign_flip_p([1e-9 * value for value in data]) == sign_flip_p([-v for v in data])


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="not finite"):
        sign_flip_p([1, 2, 3, 4, 5, math.nan])


def test_holm_steps_down_and_keeps_the_order() -> None:
    """.01 x 3, .02 x 2, .04 x 1; the last is raised to the one before it."""
    assert holm({"a": 0.04, "b": 0.01, "c": 0.02}) == pytest.approx({"a": 0.04, "b": 0.03, "c": 0.04})
    assert holm({"a": 0.9, "b": 0.8}) == {"a": 1.0, "b": 1.0}
    assert holm({}) == {}


def test_paired_p_is_students_below_six_seeds() -> None:
    """Differences 1, 2, 3: t = 2 / (1 / sqrt 3) = 3.464 with 2 degrees of freedom."""
    found = paired_p({0: 1.0, 1: 2.0, 2: 3.0, 9: 50.0}, {0: 0.0, 1: 0.0, 2: 0.0})
    assert found == pytest.approx(0.07418, abs=1e-5)
    assert paired_p({0: 1.0}, {0: 0.0}) == 1.0
    assert paired_p({0: 1.0, 1: 1.0}, {0: 1.0, 1: 1.0}) == 1.0
    assert paired_p({0: 1.0, 1: 1.0}, {0: 0.5, 1: 0.5}) == 0.0


def test_step_down_against_all_sign_patterns() -> None:
    """The definition, one pattern and one comparison at a time."""
    table = np.random.default_rng(4).normal(0.4, 1, size=(4, 6)) * [[1], [5], [0.1], [2]]

    def statistics(data: np.ndarray) -> np.ndarray:
        return np.abs(data.sum(axis=1)) / np.sqrt((data**2).sum(axis=1))

    observed = statistics(table)
    patterns = [statistics(table * signs) for signs in itertools.product([1, -1], repeat=6)]
    expected, last = np.zeros(4), 0.0
    left = sorted(range(4), key=lambda each: -observed[each])
    while left:
        share = np.mean([max(found[left]) >= observed[left[0]] - 1e-9 for found in patterns])
        expected[left[0]] = last = max(last, share)
        left = left[1:]
    assert step_down(table) == pytest.approx(expected)


def test_many_comparisons_of_six_seeds_can_still_count() -> None:
    """Holm over exact p-values cannot: thirteen times 2 / 64."""
    family = {f"m{number}": {seed: number % 2 + 0.01 * seed for seed in range(6)} for number in range(13)}
    found = adjusted(family)
    assert found["m1"] == pytest.approx(2 / 64)
    assert holm(dict.fromkeys(family, 2 / 64))["m1"] == pytest.approx(13 * 2 / 64)


def test_one_comparison_is_the_exact_test() -> None:
    data = [-1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
    assert step_down(np.array([data])) == pytest.approx([sign_flip_p(data)])


def test_below_six_seeds_and_for_unequal_seeds_it_is_holm() -> None:
    few = {"a": {0: 1.0, 1: 2.0, 2: 3.0}, "b": {0: 1.0, 1: -1.0, 2: 0.5}}
    alone = {name: paired_p(gaps, dict.fromkeys(gaps, 0.0)) for name, gaps in few.items()}
    assert adjusted(few) == pytest.approx(holm(alone))
    assert adjusted({"a": {0: 1.0}, "b": {1: 2.0}}) == {"a": 1.0, "b": 1.0}
    assert adjusted({}) == {}


def test_nothing_that_does_not_differ_counts() -> None:
    assert step_down(np.zeros((3, 8))).tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ValueError, match="not finite"):
        step_down(np.array([[math.inf] * 6]))


@pytest.mark.parametrize("shared", [0.0, 0.8])
@pytest.mark.parametrize("seeds", [5, 6, 10])
def test_a_family_of_equal_methods_is_wrong_in_one_of_twenty(seeds: int, shared: float) -> None:
    """Ten methods and a reference of one distribution; `shared`: correlation of what a seed does to all.

    The reference is in every difference, so that differences correlate. Measured: 0.7 to 3.4 %.
    """
    chance, wrong, draws = np.random.default_rng(2), 0, 600
    for _ in range(draws):
        seed = math.sqrt(shared) * chance.normal(size=seeds)
        gains = seed + math.sqrt(1 - shared) * chance.normal(size=(11, seeds))
        family = {f"{row}": dict(enumerate((gains[row] - gains[0]).tolist())) for row in range(1, 11)}
        wrong += min(adjusted(family).values()) <= ALPHA
    assert wrong / draws <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / draws)


def test_with_ten_seeds_a_large_difference_among_many_counts() -> None:
    """One of forty methods is better by two deviations: found in at least half of the draws. Measured: 93 %."""
    chance, found = np.random.default_rng(6), 0
    for _ in range(100):
        gaps = chance.normal(size=(40, 10)) + np.array([[2.0], *[[0.0]] * 39])
        found += step_down(gaps)[0] <= ALPHA
    assert found >= 50


def test_false_positives_of_the_exact_test_stay_below_its_level() -> None:
    """2,000 simulated comparisons of equal methods with 6 seeds of skewed noise: at most 5 % and its noise."""
    noise = np.random.default_rng(1).exponential(size=(2, 2000, 6))
    rejected = np.mean([(sign_flip_p(row.tolist()) or 1.0) <= 0.05 for row in noise[0] - noise[1]])
    assert rejected <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 2000)
    assert rejected > 0.01, "a test that never rejects says nothing"
