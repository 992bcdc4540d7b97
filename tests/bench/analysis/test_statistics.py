"""Intervals over seeds: golden values worked by hand, and coverage."""

import math

import numpy as np
import pytest

from bench.analysis.statistics import (
    detectable_difference,
    paired_difference,
    paired_differences,
    t_interval,
)

T1, T2 = 12.706205, 4.302653  # the 97.5 % quantiles of Student's t with 1 and 2 degrees of freedom


def test_interval_of_three_values():
    interval = t_interval([1, 2, 3])  # mean 2, s = 1
    assert (interval.mean, interval.n) == (2, 3)
    assert interval.half_width == pytest.approx(T2 / math.sqrt(3), rel=1e-6)
    assert (interval.low, interval.high) == pytest.approx((-0.484138, 4.484138), rel=1e-6)
    assert not interval.excludes_zero


def test_interval_of_two_values():
    interval = t_interval([0.1, 0.2])  # s / sqrt(2) = 0.05
    assert interval.half_width == pytest.approx(0.05 * T1, rel=1e-6)


def test_interval_at_another_level():
    assert t_interval([1, 2, 3], level=0.9).half_width == pytest.approx(2.919986 / math.sqrt(3), rel=1e-6)


def test_one_seed_says_nothing_about_spread():
    interval = t_interval([0.3])
    assert (interval.mean, interval.low, interval.high, interval.n) == (0.3, -math.inf, math.inf, 1)
    assert not interval.excludes_zero


def test_equal_values_leave_no_doubt():
    assert t_interval([0.25, 0.25]).excludes_zero
    assert t_interval([-0.25, -0.25]).excludes_zero
    assert not t_interval([0.0, 0.0]).excludes_zero


@pytest.mark.parametrize(
    ("values", "message"),
    [([], "no values"), ([1.0, math.nan], "nan among 2 values"), ([math.inf], "inf among 1 values")],
)
def test_what_has_no_interval_is_refused(values, message):
    with pytest.raises(ValueError, match=message):
        t_interval(values)


@pytest.mark.parametrize("level", [0, 1, 95])
def test_a_level_is_between_0_and_1(level):
    with pytest.raises(ValueError, match="confidence level lies between 0 and 1"):
        t_interval([1, 2], level)


def test_differences_are_paired_by_common_seeds():
    method, uniform = {2: 0.5, 0: 0.3, 7: 9.0}, {0: 0.1, 2: 0.2, 5: -9.0}
    assert paired_differences(method, uniform) == pytest.approx({0: 0.2, 2: 0.3})
    interval = paired_difference(method, uniform)
    assert (interval.mean, interval.n) == (pytest.approx(0.25), 2)
    assert interval.half_width == pytest.approx(0.05 * T1, rel=1e-6)


def test_pairing_takes_out_what_the_seeds_share():
    uniform = {0: 0.1, 1: 0.5, 2: 0.9}
    method = {seed: gain + 0.01 for seed, gain in uniform.items()}
    assert not t_interval(method.values()).excludes_zero
    assert paired_difference(method, uniform).excludes_zero


def test_no_common_seed_is_refused():
    with pytest.raises(ValueError, match=r"no common seed: \[0\] and \[1\]"):
        paired_difference({0: 1.0}, {1: 1.0})


def test_the_detectable_difference_pools_the_spread():
    """Squares 2 + 6 over 1 + 2 degrees of freedom; for the same spread, twice the unit is twice the difference."""
    groups = [[1, 3], [0, 0, 3]]
    one = detectable_difference([[0, math.sqrt(2 * 8 / 3)]], n=3)
    assert detectable_difference(groups, n=3) == pytest.approx(one)
    assert detectable_difference([[2, 6], [0, 0, 6]], n=3) == pytest.approx(2 * one)


@pytest.mark.parametrize(("n", "published"), [(5, 0.0091), (10, 0.0054)])
def test_the_detectable_difference_is_that_of_the_noncentral_t(n, published):
    """From a spread of 0.0054: computed elsewhere with SciPy's noncentral t."""
    spread = [-0.0054 / math.sqrt(2), 0.0054 / math.sqrt(2)]
    assert detectable_difference([spread], n) == pytest.approx(published, abs=0.00005)


@pytest.mark.parametrize("comparisons", [1, 13])
@pytest.mark.parametrize("n", [3, 5, 10])
def test_the_detectable_difference_is_found_four_times_of_five(n, comparisons):
    """Simulated: the share of two-sided t-tests at 5 % over the number of comparisons that reject."""
    level = 1 - 0.05 / comparisons
    shift = detectable_difference([[-1 / math.sqrt(2), 1 / math.sqrt(2)]], n, comparisons)
    samples = np.random.default_rng(3).normal(shift, 1, size=(3000, n)).tolist()
    found = np.mean([t_interval(sample, level).excludes_zero for sample in samples])
    assert found == pytest.approx(0.8, abs=3 * math.sqrt(0.8 * 0.2 / 3000))


@pytest.mark.parametrize(("groups", "n"), [([], 3), ([[1.0], [2.0]], 1), ([[1, 2]], 1), ([[1.0]], 3)])
def test_without_spread_nothing_can_be_detected(groups, n):
    assert detectable_difference(groups, n) == math.inf


@pytest.mark.parametrize("n", [3, 5])
def test_the_interval_covers_what_it_says(n):
    samples = np.random.default_rng(20260101).normal(0.2, 0.05, size=(4000, n))
    intervals = [t_interval(sample) for sample in samples.tolist()]
    covered = np.mean([interval.low <= 0.2 <= interval.high for interval in intervals])
    assert 0.93 <= covered <= 0.97
