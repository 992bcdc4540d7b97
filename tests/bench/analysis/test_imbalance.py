"""Imbalance of a small run worked by hand."""

import pytest

from bench.analysis.imbalance import (
    conflict_rate,
    cosines,
    effective_tasks,
    norm_ratio,
    norm_share,
    pooled_norms,
    signal_to_noise,
    squared_norms,
    task_pairs,
)


@pytest.fixture
def curves(make_record):
    """Two tasks; a window of two steps, then one of one step in which task b was not measured."""
    points = {name: values[:2] for name, values in make_record(tasks=2).curves}
    points |= {"steps": [2, 3], "squared_norm": [[4.0, 1.0], [1.0, None]], "gramian": [[1.0], [-5.0]]}
    return make_record(tasks=2, curves=points).curves


def with_norms(make_record, curves, norms):
    return make_record(tasks=2, curves={**dict(curves), "squared_norm": norms}).curves


def test_windows_count_by_their_steps(curves):
    assert squared_norms(curves) == pytest.approx([(2 * 4 + 1 * 1) / 3, 1.0])


def test_a_task_that_was_never_measured_has_no_norm(make_record, curves):
    assert squared_norms(with_norms(make_record, curves, [[4.0, None], [1.0, None]])) == [3.0, None]


def test_a_run_without_a_step_has_no_norms(make_record):
    empty = {name: [] for name, _ in make_record().curves}
    curves = make_record(curves=empty).curves
    assert squared_norms(curves) == cosines(curves) == []
    assert conflict_rate(curves) is None


def test_signal_to_noise_is_what_the_naive_norm_adds(make_record, curves):
    """Mean squared norms 3 and 1, naive ones 5 and 1: the first task's variance is 2, the second's is unknown."""
    naive = {**dict(curves), "naive_squared_norm": [[5.0, 1.0], [5.0, 1.0]]}
    assert signal_to_noise(make_record(tasks=2, curves=naive)) == [pytest.approx(3 / 2), None]


def test_a_record_that_says_its_signal_to_noise_is_believed(make_record):
    """What noise made negative is not resolved."""
    assert signal_to_noise(make_record(signal_to_noise=[0.7, -0.1, None])) == [0.7, None, None]


def test_tiny_and_huge_norms_have_an_effective_number_too():
    assert effective_tasks([5e-324] * 3) == pytest.approx(3)
    assert effective_tasks([1e300, 1e300]) == pytest.approx(2)


def test_norms_are_pooled_over_runs_that_have_them():
    assert pooled_norms([[1.0, None], [3.0, 2.0], []]) == [2.0, 2.0]
    assert pooled_norms([[None], [None]]) == [None]
    assert pooled_norms([]) == []


def test_ratio_of_largest_to_smallest():
    assert norm_ratio([3.0, 1.0, 2.0]) == 3.0
    assert norm_ratio([2.0]) == 1.0


@pytest.mark.parametrize("norms", [[], [1.0, 0.0], [1.0, -0.2], [1.0, None]])
def test_no_ratio_when_the_smallest_norm_drowns_in_noise(norms):
    assert norm_ratio(norms) is None


def test_shares_sum_to_one_and_negative_estimates_count_as_zero():
    assert norm_share([3.0, 1.0]) == [0.75, 0.25]
    assert norm_share([3.0, 1.0, -0.5, None]) == [0.75, 0.25, 0.0, None]
    assert norm_share([-1.0, None]) == [None, None]


def test_effective_number_of_tasks():
    assert effective_tasks([3.0, 1.0]) == pytest.approx(16 / 10)
    assert effective_tasks([2.0, 2.0, 2.0]) == pytest.approx(3)
    assert effective_tasks([2.0, -1.0, None]) == 1
    assert effective_tasks([-1.0]) is None


def test_a_cosine_uses_the_windows_in_which_both_were_measured(curves):
    assert cosines(curves) == [pytest.approx(1 / (4 * 1) ** 0.5)]


def test_a_cosine_averages_before_it_divides(make_record, curves):
    both = with_norms(make_record, curves, [[4.0, 1.0], [1.0, 4.0]])
    inner, first, second = (2 * 1 - 5) / 3, (2 * 4 + 1) / 3, (2 * 1 + 4) / 3
    assert cosines(both) == [pytest.approx(inner / (first * second) ** 0.5)]


def test_no_cosine_without_a_positive_norm(make_record, curves):
    assert cosines(with_norms(make_record, curves, [[4.0, -1.0], [1.0, 0.5]])) == [None]


def test_conflicts_are_counted_by_steps_where_both_were_measured(make_record, curves):
    assert conflict_rate(curves) == 0
    assert conflict_rate(with_norms(make_record, curves, [[4.0, 1.0], [1.0, 4.0]])) == pytest.approx(1 / 3)


def test_one_task_has_no_conflicts(make_record):
    assert conflict_rate(make_record(tasks=1).curves) is None


def test_pairs_follow_the_upper_triangle():
    assert task_pairs(3) == [(0, 1), (0, 2), (1, 2)]
