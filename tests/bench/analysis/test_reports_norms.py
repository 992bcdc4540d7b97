"""R1 and R2 on curves worked by hand."""

import math

import pytest

from bench.analysis.reports._ratio import ratio
from bench.analysis.reports.gains import gains
from bench.analysis.reports.norms import norms
from bench.errors import UserError


def test_a_ratio_of_a_known_denominator_is_a_t_interval():
    """Mean 5, deviation sqrt 2 over two seeds: 5 +- 12.706 * 1."""
    found = ratio([4, 6], [1, 1])
    assert (found.value, found.low, found.high) == pytest.approx((5, 5 - 12.7062, 5 + 12.7062), abs=1e-3)


def test_fieller_bounds_are_the_ratios_that_the_seeds_do_not_refuse():
    top, bottom = [10.0, 12, 11, 9], [1.0, 1.3, 1.1, 0.9]
    found = ratio(top, bottom)
    for end in (found.low, found.high):
        gaps = [a - end * b for a, b in zip(top, bottom, strict=True)]
        mean, deviation = sum(gaps) / 4, math.sqrt(sum((gap - sum(gaps) / 4) ** 2 for gap in gaps) / 3)
        assert abs(mean) / (deviation / 2) == pytest.approx(3.18245, abs=1e-4)  # t(0.975, 3)


def test_a_denominator_in_the_noise_bounds_nothing():
    assert not ratio([10, 12, 11], [1, -1, 0.5]).bounded
    assert str(ratio([1.0, 2.0], [0.0, -1.0])) == "not resolved"
    assert (str(ratio([70.0], [1.0])), ratio([70.0], [1.0]).bounded) == ("70", False)


def test_r1_names_the_loudest_and_the_quietest(make_run):
    report = norms([make_run(seed=seed, curves={"squared_norm": [0.5, 40.0 + seed, 1.0]}) for seed in (0, 1)])
    assert "the loudest task, task_b, had 81 times the squared norm of the quietest, task_a" in report.finding
    assert "Under uniform (2 seeds)" in report.finding
    assert "It was the loudest in 8 of 8 equal parts" in report.finding
    assert report.runs[0].as_posix() == "results/nano-v1/uniform/0.json"
    assert [series.label for series in report.figures[0].series] == ["task_b", "task_c", "task_a"]
    assert report.figures[0].series[0].y == (40.5,) * 8
    assert report.figures[0].log_y


def test_r1_follows_the_data_when_the_order_turns(make_run):
    finding = norms([make_run(curves={"squared_norm": [3.0, 1.0, 2.0]})]).finding
    assert "the loudest task, task_a, had 3 times the squared norm of the quietest, task_b" in finding
    assert "(one seed, so no interval)" in finding


def test_r1_effective_number_of_tasks(make_run):
    """(4 + 1 + 1)^2 / (16 + 1 + 1) = 2."""
    assert "3 tasks weigh as much as 2 equal ones" in norms([make_run(curves={"squared_norm": [4.0, 1, 1]})]).finding


def test_r1_says_when_the_ratio_or_the_order_is_not_resolved(make_run):
    noisy = [make_run(seed=seed, curves={"squared_norm": [9.0 + 2 * seed, 10.0, -1.0]}) for seed in (0, 1)]
    report = norms(noisy)
    assert "cannot be distinguished from zero, so the ratio is not resolved" in report.finding
    close = norms([make_run(seed=seed, curves={"squared_norm": [9.0 + seed, 9.5, 1.0]}) for seed in range(3)])
    assert "Whether task_b is quieter is not resolved." in close.finding
    apart = norms([make_run(seed=seed, curves={"squared_norm": [9.0 + seed, 5, 1.0]}) for seed in range(3)])
    assert "resolved" not in apart.finding
    rows = {row[:2]: row[2:] for row in report.tables[0].rows}
    assert rows["task_b", "task_c"] == (None, None, None, None, None, "0 of 8")


def test_r1_ratios_average_before_they_divide(make_run):
    """First window 8 / 2; mean (8 + 18 + 4 + 18) / (2 + 6 + 1 + 6); a largest of 6 / 1 would be one seed's noise."""
    each = [[8.0, 2.0], *[[6.0, 3.0]] * 3, [4.0, 1.0], *[[6.0, 1.0]] * 3]
    other = [[8.0, 2.0], *[[6.0, 1.0]] * 3, [4.0, 1.0], *[[6.0, 3.0]] * 3]
    report = norms([make_run(seed=s, tasks=2, curves={"squared_norm": c}) for s, c in enumerate((each, other))])
    louder, quieter, first, mean, _, _, largest, windows = report.tables[0].rows[0]
    assert (louder, quieter, first, mean) == ("task_a", "task_b", 4, pytest.approx(48 / 15))
    assert (largest, windows) == (4, "8 of 8")


def test_r1_windows_are_cut_where_records_have_other_points(make_run):
    """Points of one step, averaged over two: 8 windows of 16 steps."""
    rising = [[float(step), 1.0] for step in range(1, 17)]
    report = norms([make_run(tasks=2, points=16, curves={"squared_norm": rising})])
    assert report.figures[0].series[0].y == tuple(step + 0.5 for step in range(1, 17, 2))
    assert report.figures[0].series[0].x == tuple(range(1, 17, 2))


def test_r1_gaps_stay_gaps(make_run):
    gap = [[5.0, 1.0], [None, 1.0], *[[5.0, 1.0]] * 6]
    report = norms([make_run(tasks=2, curves={"squared_norm": gap})])
    assert report.figures[0].series[0].y == (5.0, None, *(5.0,) * 6)
    never = norms([make_run(tasks=2, curves={"squared_norm": [[None, None]] * 8})])
    assert (never.finding, "No task was measured" in never.missing) == ("", True)
    assert "only task_a was measured" in norms([make_run(tasks=2, curves={"squared_norm": [[2.0, None]] * 8})]).finding


def test_unfinished_runs_are_left_out_of_curves_and_counted(make_run):
    failed = make_run(seed=1, status="failed", curves={"squared_norm": [99.0, 1.0, 1.0]})
    report = norms([make_run(), failed])
    assert "the loudest task, task_c, had 3 times" in report.finding
    assert "Left out: of 2 runs of uniform, 1 did not finish." in report.finding
    assert report.runs == (make_run().path,)
    assert "Left out: of 1 run of uniform, 1 did not finish. A finished run would show it" in norms([failed]).missing


def test_a_number_that_no_gradient_has_is_refused_with_file_and_field(make_run):
    with pytest.raises(UserError, match=r"uniform/0\.json: field curves\.squared_norm"):
        norms([make_run(curves={"squared_norm": [1e308, 1.0, 1.0]})])


REWARD = [[0.1, 0.1], [0.3, 0.2], [0.3, 0.2], [0.3, 0.3], [0.4, 0.5], [0.4, 0.5], [0.4, 0.5], [0.5, 0.7]]
"""Gains at T/8, T/2 and 7T/8: task_a +0.2, +0.1, +0.1; task_b +0.1, +0.2, +0.2."""


def test_r2_gains_are_differences_of_neighbouring_eighths(make_run):
    report = gains([make_run(tasks=2, curves={"reward": REWARD, "squared_norm": [2.0, 1.0]})])
    assert [series.label for series in report.figures[0].series] == ["step 1", "step 4", "step 7"]
    assert [series.y for series in report.figures[0].series] == [
        pytest.approx(y) for y in ((0.2, 0.1), (0.1, 0.2), (0.1, 0.2))
    ]
    first = report.tables[1].rows[0]
    assert first[:3] + first[5:] == (1, "task_a", pytest.approx(0.2), 2.0, pytest.approx(0.2 / (2 * 2)))


@pytest.mark.parametrize(
    ("norm", "expected"),
    [
        ([2.0, 1.0], "gained most at 1 of 3 times and least at 2"),
        ([1.0, 2.0], "gained most at 2 of 3 times and least at 1"),
    ],
)
def test_r2_says_how_the_loudest_did(make_run, norm, expected):
    finding = gains([make_run(tasks=2, curves={"reward": REWARD, "squared_norm": norm})]).finding
    assert expected in finding
    assert "no rank correlation, n = 2" in finding


@pytest.mark.parametrize(("sign", "expected"), [(1, "loud tasks gain more"), (-1, "loud tasks gain less")])
def test_r2_resolves_a_perfect_order_of_five(make_run, sign, expected):
    reward = [[0.5 + sign * 0.01 * task * window for task in range(5)] for window in range(8)]
    finding = gains([make_run(tasks=5, curves={"reward": reward})]).finding
    assert f"A rank correlation is resolved at 3 of 3 times: {expected}" in finding
    assert ("gained most at 3 of 3" in finding) == (sign > 0)


def test_r2_tells_when_the_loudest_is_not_separable(make_run):
    def run(seed, gain):
        reward = [[0.2, 0.2]] + [[0.2 + gain, 0.3]] * 7
        return make_run(seed=seed, tasks=2, curves={"reward": reward, "squared_norm": [2.0, 1.0]})

    assert "gained +0.300, most (" in gains([run(0, 0.3), run(1, 0.3)]).finding
    assert "gained +0.300, most, not separable from" in gains([run(0, 0.55), run(1, 0.05)]).finding


def test_r2_compares_shares_of_norm_and_held_out_gain(make_run):
    """Norm shares 3/4 and 1/4 against gain shares 1/4 and 3/4."""
    run = make_run(tasks=2, gains=[5, 15], curves={"squared_norm": [3.0, 1.0]})
    assert "shares of the norm and of the gain differ by 50 %" in gains([run]).finding
    even = make_run(tasks=2, gains=[15, 5], curves={"squared_norm": [3.0, 1.0]})
    assert "shares of the norm and of the gain differ by 0 %" in gains([even]).finding


def test_r2_needs_eight_points_and_a_run_of_uniform(make_run):
    short = gains([make_run(points=4)])
    assert (short.finding, "1 has too few points" in short.missing) == ("", True)
    assert (
        "No run of uniform is recorded; `bench run method=uniform suite=nano-v1`" in gains([make_run("pcgrad")]).missing
    )


def test_r2_says_nothing_of_tasks_that_were_not_measured(make_run):
    unknown = make_run(tasks=2, curves={"squared_norm": [[None, 1.0]] * 8})
    assert "nothing can be said" in gains([unknown]).finding


def test_r2_a_tie_is_neither_most_nor_least(make_run):
    finding = gains([make_run()]).finding
    assert "gained most at 0 of 3 times and least at 0" in finding
    assert "task_c, gained 0.000, as much as 2 others" in finding


def test_r2_says_what_so_few_tasks_can_resolve(make_run):
    assert "(with 3 tasks none could be)" in gains([make_run()]).finding
    assert "(with 5 tasks only an almost perfect order could be)" in gains([make_run(tasks=5)]).finding
    assert "resolved. At step" in gains([make_run(tasks=7)]).finding
