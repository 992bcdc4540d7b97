"""Methods over several suites, by hand."""

import pytest

from bench.analysis.across import Scores, across, profile


def suite(name: str, gains: dict[str, list[float]]) -> Scores:
    return Scores(name, {method: dict(enumerate(values)) for method, values in gains.items()}, {})


ONE = suite("one", {"uniform": [0.2, 0.2], "good": [0.4, 0.4], "odd": [0.1, 0.1], "only_here": [0.9, 0.9]})
TWO = suite("two", {"uniform": [0.09, 0.09], "good": [0.08, 0.08], "odd": [0.1, 0.1]})


def test_regret_is_relative_to_the_best_of_each_suite() -> None:
    """Only methods of all suites count: 0.4 is best in the first, 0.1 in the second."""
    found = across([ONE, TWO])
    assert found is not None
    assert {each.method: each.regrets for each in found.standings} == {
        "good": pytest.approx([0.0, 0.2]),
        "uniform": pytest.approx([0.5, 0.1]),
        "odd": pytest.approx([0.75, 0.0]),
    }
    assert [each.method for each in found.standings] == ["good", "uniform", "odd"]
    assert {each.method: each.rank for each in found.standings} == {"good": 2.0, "uniform": 2.0, "odd": 2.0}


def test_a_profile_counts_the_suites_within_a_regret() -> None:
    found = across([ONE, TWO])
    assert found is not None
    assert profile(found, [0.0, 0.2, 0.5, 1.0]) == {
        "good": [0.5, 1.0, 1.0, 1.0],
        "uniform": [0.0, 0.5, 1.0, 1.0],
        "odd": [0.5, 0.5, 0.5, 1.0],
    }


def test_suites_that_turn_the_order_round_disagree() -> None:
    """good, uniform, odd against odd, uniform, good, without noise: tau is -1 however seeds are drawn."""
    found = across([ONE, TWO])
    assert found is not None
    (pair,) = found.agreement
    tau = pair.tau
    assert (pair.first, pair.second, pair.methods) == ("one", "two", 3)
    assert (tau.value, tau.low, tau.high) == (-1.0, -1.0, -1.0)


def test_noise_blurs_the_agreement() -> None:
    noisy = suite("noisy", {"uniform": [0.2, 0.5, 0.1], "good": [0.4, 0.1, 0.3], "odd": [0.3, 0.2, 0.4]})
    found = across([ONE, noisy])
    assert found is not None
    tau = found.agreement[0].tau
    assert tau.low is not None
    assert tau.high is not None
    assert tau.low <= tau.value <= tau.high
    assert tau.low < tau.high


@pytest.mark.parametrize("suites", [[], [ONE], [ONE, suite("other", {"uniform": [0.1, 0.2]})]])
def test_fewer_than_two_suites_or_methods_do_not_compare(suites: list[Scores]) -> None:
    assert across(suites) is None


def test_two_suites_are_compared_by_what_both_have_and_not_by_two_methods() -> None:
    """Two methods have one order or the other by chance; what a third suite lacks is compared between the others."""
    few = suite("few", {"uniform": [0.1, 0.2], "good": [0.3, 0.3]})
    found = across([ONE, TWO, few])
    assert found is not None
    assert [(pair.first, pair.second, pair.methods) for pair in found.agreement] == [("one", "two", 3)]
    assert [each.method for each in found.standings] == ["good", "uniform"]


def test_without_a_method_of_all_suites_orders_are_still_compared() -> None:
    apart = suite("apart", {"only_there": [0.1, 0.2]})
    found = across([ONE, TWO, apart])
    assert found is not None
    assert (len(found.agreement), found.standings) == (1, [])


def test_a_suite_in_which_nothing_gained_has_no_regret() -> None:
    flat = suite("flat", {"uniform": [0.0, 0.0], "good": [-0.1, 0.0]})
    found = across([ONE, flat])
    assert found is not None
    assert all(each.regrets[1] == 0 for each in found.standings)
