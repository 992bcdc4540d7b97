"""The gate of a suite from its records: the best rate, the best static weights, the panel's spread."""

from typing import Any

import pytest

from bench.analysis.gate import Gate, gate_of, markdown, on_page

SEEDS = (1000, 1001, 1002)


@pytest.fixture
def runs(make_record: Any) -> Any:
    """runs(gain): three seeds whose gains on two tasks, in items of 40, lie around a number."""

    def build(gain: int) -> list[Any]:
        return [make_record(tasks=2, seed=seed, gains=[gain, gain + seed % 2]) for seed in SEEDS]

    return build


@pytest.fixture
def gate(runs: Any) -> Gate:
    """Four rates, best at the suite's own; one method far above uniform, one below."""
    return gate_of(
        rate=2e-4,
        seeds=10,
        rates={5e-5: runs(2), 1e-4: runs(5), 2e-4: runs(8), 4e-4: runs(6)},
        statics={"flat": runs(8), "better": runs(10)},
        panel={"uniform": runs(8), "above": runs(12), "below": runs(6)},
    )


def test_differences_are_paired_with_uniform(gate: Gate) -> None:
    assert gate.panel["above"].mean == pytest.approx(4 / 40)
    assert gate.panel["below"].mean == pytest.approx(-2 / 40)
    assert gate.spread == pytest.approx(6 / 40)
    assert (gate.best_rate, gate.best_static) == (2e-4, "better")


def test_regrets_are_to_the_best_static_point_equal_weights_among_them(gate: Gate) -> None:
    """The best point gains 10/40 and a half; uniform 8, above 12, below 6 of the same."""
    assert {label: regret.mean * 40 for label, regret in gate.regrets.items()} == pytest.approx(
        {"uniform": 2, "above": -2, "below": 4}
    )
    text = "\n".join(markdown(gate))
    assert "The best of these 2 points and equal weights, chosen on the other seeds, gains +0.0500 " in text
    assert "| below | -0.0500 [-0.0500, -0.0500], 3 seeds | +0.1000 [+0.1000, +0.1000], 3 seeds |" in text


def test_one_seed_leaves_no_other_to_choose_a_point_on(runs: Any) -> None:
    single = gate_of(1.0, 10, {1.0: runs(4)[:1]}, {"flat": runs(4)[:1]}, {"uniform": runs(4), "above": runs(9)})
    assert single.regrets == {}
    assert "best static point" not in "\n".join(markdown(single))


def test_a_suite_passes_where_its_rate_is_best_and_the_panel_spreads(gate: Gate) -> None:
    assert gate.detectable < 1e-9  # these pairs differ by a constant
    assert gate.passed
    assert "**passes**" in "\n".join(markdown(gate))


@pytest.mark.parametrize(
    ("best", "own", "held"),
    [(2e-4, 2e-4, [True, True]), (2e-4, 1e-4, [True, False]), (4e-4, 4e-4, [False, True])],
)
def test_the_best_rate_must_be_the_suites_and_not_at_an_end(
    runs: Any, best: float, own: float, held: list[bool]
) -> None:
    rates = {rate: runs(9 if rate == best else 4) for rate in (5e-5, 1e-4, 2e-4, 4e-4)}
    found = gate_of(own, 10, rates, {"flat": runs(4)}, {"uniform": runs(4), "above": runs(9)})
    assert list(found.checks.values())[:2] == held
    assert found.passed == all(held)


def test_a_panel_that_noise_explains_does_not_pass(make_record: Any, runs: Any) -> None:
    noisy = [make_record(tasks=2, seed=seed, gains=[8 + 6 * (seed % 2), 8]) for seed in SEEDS]
    rates = {5e-5: runs(2), 1e-4: runs(5), 2e-4: runs(8), 4e-4: runs(6)}
    found = gate_of(2e-4, 3, rates, {"flat": runs(8)}, {"uniform": runs(8), "noisy": noisy})
    assert found.spread < 5 * found.detectable
    assert not found.passed
    assert "**does not pass**" in "\n".join(markdown(found))


def test_the_figures_go_between_a_suites_marks_and_nowhere_else(gate: Gate) -> None:
    page = "# Suites\n<!-- begin of the gate of a -->\nold\n<!-- end of the gate of a -->\nafter\n"
    assert on_page(page, "a", ["new"]) == page.replace("old", "new")
    assert on_page(page, "b", ["new"]) == page
