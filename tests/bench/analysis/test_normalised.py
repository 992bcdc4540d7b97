"""Normalised gain, by hand."""

import pytest

from bench.analysis.normalised import by_seed, geometric_mean, normalised_gains, specialist_gains

SPECIALISTS = specialist_gains([[0.2, 0.4, 0.3], [0.2, 0.6, -0.3]])
"""Means .2 (no spread), .5 (from -.77 to 1.77 with two seeds) and 0."""
SURE = specialist_gains([[0.2, 0.4]] * 3)
GAINS = {0: [0.1, 0.4], 1: [0.2, 0.4]}
"""Ratios .5 and 1, then 1 and 1."""


def test_a_task_whose_specialist_did_not_learn_for_certain_has_no_ratio() -> None:
    assert normalised_gains([0.1, 0.5, 0.1], SPECIALISTS) == [0.5, None, None]


def test_one_number_a_run() -> None:
    assert by_seed(GAINS, SURE) == {0: pytest.approx(0.75), 1: pytest.approx(1.0)}
    assert by_seed(GAINS, SURE, min) == {0: pytest.approx(0.5), 1: pytest.approx(1.0)}
    assert by_seed(GAINS, SURE, geometric_mean) == {0: pytest.approx(0.5**0.5), 1: pytest.approx(1.0)}


def test_without_a_specialist_that_learned_there_is_none() -> None:
    assert by_seed({0: [0.1, 0.4, 0.1]}, specialist_gains([[0.1, 0.1, 0.1]])) == {}
    assert by_seed({}, SURE) == {}


def test_a_task_that_gained_nothing_makes_the_geometric_mean_zero() -> None:
    assert geometric_mean([0.5, 2.0]) == pytest.approx(1.0)
    assert geometric_mean([0.5, -0.1]) == geometric_mean([0.0, 3.0]) == 0.0
