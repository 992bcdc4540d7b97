"""Methods over several suites, by hand."""

import pytest

from bench.analysis.across import Scores, across, profile


def suite(name: str, gains: dict[str, list[float]], verdicts: dict[str, str] | None = None) -> Scores:
    said = {method: (None, verdict) for method, verdict in (verdicts or {}).items()}
    return Scores(name, {method: dict(enumerate(values)) for method, values in gains.items()}, said)


ONE = suite("one", {"uniform": [0.2, 0.2], "good": [0.4, 0.4], "odd": [0.1, 0.1], "only_here": [0.8, 0.8]})
TWO = suite("two", {"uniform": [0.09, 0.09], "good": [0.08, 0.08], "odd": [0.1, 0.1]})


def test_regret_is_relative_to_the_best_of_each_suite() -> None:
    """0.8 is best in the first, and need not have been run in the second, where 0.1 is best."""
    found = across([ONE, TWO])
    assert found is not None
    assert {each.method: each.regrets for each in found.standings} == {
        "good": pytest.approx({"one": 0.5, "two": 0.2}),
        "uniform": pytest.approx({"one": 0.75, "two": 0.1}),
        "odd": pytest.approx({"one": 0.875, "two": 0.0}),
    }
    assert [each.method for each in found.standings] == ["good", "uniform", "odd"]


def test_a_method_is_counted_by_the_verdict_of_each_suite() -> None:
    gains = {"uniform": [0.2, 0.2], "good": [0.4, 0.4], "odd": [0.1, 0.1]}
    verdicts = [{"good": "better than uniform", "odd": "worse than uniform"}, {"good": "not separable from uniform"}]
    found = across([suite(name, gains, said) for name, said in zip(("a", "b"), verdicts, strict=True)])
    assert found is not None
    assert [(each.method, each.better, each.worse) for each in found.standings] == [
        ("good", 1, 0),
        ("uniform", 0, 0),
        ("odd", 0, 1),
    ]


def test_a_method_counts_from_half_of_the_suites_on() -> None:
    gains = {"uniform": [0.2, 0.2], "everywhere": [0.2, 0.2]}
    rare, half = {**gains, "rare": [0.3, 0.3], "half": [0.3, 0.3]}, {**gains, "half": [0.3, 0.3]}
    found = across([suite(name, each) for name, each in zip("abcd", (rare, half, gains, gains), strict=True)])
    assert found is not None
    assert {each.method: len(each.regrets) for each in found.standings} == {"half": 2, "uniform": 4, "everywhere": 4}


def test_a_profile_counts_the_suites_within_a_regret() -> None:
    found = across([ONE, TWO])
    assert found is not None
    assert profile(found, [0.0, 0.2, 0.5, 1.0]) == {
        "good": [0.0, 0.5, 1.0, 1.0],
        "uniform": [0.0, 0.5, 0.5, 1.0],
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
    assert [each.method for each in found.standings] == ["good", "uniform", "odd"]


def test_where_no_two_methods_have_half_of_the_suites_orders_are_still_compared() -> None:
    apart = [suite(f"apart{number}", {f"only_in_{number}": [0.1, 0.2]}) for number in range(3)]
    found = across([ONE, TWO, *apart])
    assert found is not None
    assert (len(found.agreement), found.standings) == (1, [])


def test_a_suite_in_which_nothing_gained_has_no_regret() -> None:
    flat = suite("flat", {"uniform": [0.0, 0.0], "good": [-0.1, 0.0]})
    found = across([ONE, flat])
    assert found is not None
    assert all(each.regrets["flat"] == 0 for each in found.standings)
