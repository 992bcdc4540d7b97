"""The best static weights at a budget, by hand and by enumeration; gain against cost."""

from itertools import combinations

import numpy as np
import pytest

from bench.analysis.frontier import best_static, efficient


def by_seed(*values: float) -> dict[int, float]:
    return dict(enumerate(values))


def test_the_best_point_is_chosen_on_the_other_seeds() -> None:
    """b looks best on seed 0 only because of seed 0; without it a is chosen, which scores 1 there."""
    sweep = [by_seed(1.0, 2.0, 2.0), by_seed(9.0, 1.0, 1.0)]
    assert best_static(sweep, 2) == by_seed(1.0, 1.0, 1.0)


def test_one_point_is_its_own_best() -> None:
    assert best_static([by_seed(0.3, 0.4)], 1) == by_seed(0.3, 0.4)


def test_a_budget_is_an_expectation_over_which_points_were_tried() -> None:
    """Against all subsets of the sweep, with the choice made on the other seeds in each."""
    scores = np.random.default_rng(5).normal(size=(6, 4))
    sweep = [by_seed(*row) for row in scores.tolist()]
    for budget in range(1, 7):
        found = best_static(sweep, budget)
        for seed in range(4):
            others = np.delete(scores, seed, axis=1).mean(axis=1)
            chosen = [max(subset, key=lambda point: others[point]) for subset in combinations(range(6), budget)]
            assert found[seed] == pytest.approx(scores[chosen, seed].mean())


def test_more_budget_is_no_worse_where_points_keep_their_order() -> None:
    sweep = [by_seed(point, point + 0.01) for point in (0.1, 0.4, 0.2, 0.3)]
    means = [np.mean(list(best_static(sweep, budget).values())) for budget in range(1, 5)]
    assert means == sorted(means)
    assert means[-1] == pytest.approx(0.405)


@pytest.mark.parametrize("sweep", [[], [{0: 0.1}], [{0: 0.1, 1: 0.2}, {1: 0.3, 2: 0.1}]])
def test_without_two_shared_seeds_nothing_can_be_chosen(sweep: list[dict[int, float]]) -> None:
    assert best_static(sweep, 1) == {}


@pytest.mark.parametrize("budget", [0, 3])
def test_a_budget_lies_among_the_points(budget: int) -> None:
    with pytest.raises(ValueError, match="among 2 points"):
        best_static([by_seed(0.1, 0.2)] * 2, budget)


def test_the_efficient_frontier_has_no_cheaper_and_better() -> None:
    costs = {"a": 1.0, "b": 2.0, "c": 3.0, "d": 2.0, "e": 0.5}
    gains = {"a": 0.1, "b": 0.3, "c": 0.2, "d": 0.2, "e": 0.1}
    assert efficient(costs, gains) == ["e", "b"]
    assert efficient({}, {}) == []


def test_costs_within_one_percent_are_the_same() -> None:
    """mt_grpo was on the frontier by 0.0002 of the tokens, with less gain."""
    assert efficient({"uniform": 1.0, "mt_grpo": 0.9998}, {"uniform": 0.362, "mt_grpo": 0.355}) == ["uniform"]
