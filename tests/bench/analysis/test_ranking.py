"""Orders of methods: groups, ranks and their stability on made-up methods, profiles by hand."""

import numpy as np
import pytest
from scipy.stats import kendalltau

from bench.analysis.ranking import (
    kendall,
    performance_profile,
    probability_of_improvement,
    rank_ranges,
    rank_stability,
    tie_groups,
)

ORDER = ("good", "also_good", "middle", "bad")
PAIRS = {
    frozenset(pair): p
    for pair, p in {
        ("good", "also_good"): 0.4,
        ("good", "middle"): 0.01,
        ("also_good", "middle"): 0.3,
        ("good", "bad"): 0.001,
        ("also_good", "bad"): 0.001,
        ("middle", "bad"): 0.001,
    }.items()
}
"""The middle method is distinguished from the best, and not from the second."""


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_methods_that_cannot_be_told_from_the_best_share_its_group() -> None:
    assert tie_groups(ORDER, PAIRS) == {"good": 1, "also_good": 1, "middle": 2, "bad": 3}
    assert tie_groups((), {}) == {}
    assert tie_groups(("only",), {}) == {"only": 1}


def test_ranks_are_what_resolved_pairs_leave_open() -> None:
    assert rank_ranges(ORDER, PAIRS) == {"good": (1, 2), "also_good": (1, 3), "middle": (2, 3), "bad": (4, 4)}


def test_two_methods_of_one_group_share_a_rank() -> None:
    """A group and the ranks come from the same pairs, so that one never contradicts the other."""
    groups, ranks = tie_groups(ORDER, PAIRS), rank_ranges(ORDER, PAIRS)
    for a in ORDER:
        for b in ORDER:
            if groups[a] == groups[b]:
                assert ranks[a][0] <= ranks[b][1]


def test_kendalls_tau_is_scipys() -> None:
    chance = np.random.default_rng(1)
    first, others = chance.integers(0, 4, size=6).astype(float), chance.integers(0, 4, size=(6, 20)).astype(float)
    expected = [kendalltau(first, others[:, each]).statistic for each in range(20)]
    assert kendall(first, others) == pytest.approx(np.nan_to_num(expected))


def test_an_order_without_noise_is_stable() -> None:
    steady = rank_stability({"a": by_seed(0.3, 0.3, 0.3), "b": by_seed(0.2, 0.2, 0.2), "c": by_seed(0.1, 0.1, 0.1)})
    assert steady is not None
    assert (steady.value, steady.low, steady.high) == (1.0, 1.0, 1.0)


def test_an_order_of_noise_is_not_stable() -> None:
    """Five equal methods: drawing five seeds again keeps about half of the order. Measured: 0.43."""
    chance = np.random.default_rng(8)
    noisy = rank_stability({f"m{each}": by_seed(*chance.normal(size=5)) for each in range(5)})
    assert noisy is not None
    assert noisy.low is not None
    assert 0.1 < noisy.value < 0.8
    assert noisy.low < 0.3


def test_one_seed_or_one_method_has_no_stability() -> None:
    assert rank_stability({"a": by_seed(0.1), "b": by_seed(0.2)}) is None
    assert rank_stability({"a": by_seed(0.1, 0.2)}) is None
    assert rank_stability({"a": by_seed(0.1, 0.2), "b": {7: 0.2, 8: 0.1}}) is None
    assert rank_stability({}) is None


def test_probability_of_improvement_counts_ties_half() -> None:
    """Seed 0 wins one and ties one of two tasks, seed 1 loses both: (1.5 + 0) / 4."""
    found = probability_of_improvement(np.array([[0.3, 0.2], [0.0, 0.0]]), np.array([[0.1, 0.2], [0.1, 0.1]]))
    assert found.value == 0.375
    assert (found.low, found.high) == (0.0, 0.75)
    assert probability_of_improvement(np.ones((1, 2)), np.zeros((1, 2))).low is None


def test_a_performance_profile_falls_from_one_to_zero() -> None:
    gains = np.array([[0.1, 0.4], [0.2, 0.4]])
    values = [each.value for each in performance_profile(gains, [0.0, 0.15, 0.3, 0.5])]
    assert values == [1.0, 0.75, 0.5, 0.0]


def test_the_same_runs_give_the_same_numbers() -> None:
    gains = np.random.default_rng(0).random((5, 4))
    assert performance_profile(gains, [0.5]) == performance_profile(gains.copy(), [0.5])
