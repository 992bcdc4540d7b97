"""Properties of a board: rows stand by themselves, order says nothing, what is missing or failed counts and shows."""

import random
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.board import board, boards
from bench.analysis.plain import board_data, row_data
from bench.analysis.rows import Board, Row
from bench.analysis.runs import Run
from bench.analysis.significance import holm, paired_p
from bench.errors import UserError

HEADLINE = ("gain", "difference", "worst", "tasks", "task_differences", "normalised", "equal_cost")
HEADLINE_TOO = (
    "area",
    "area_difference",
    "worst_normalised",
    "geometric",
    "target",
    "regret",
    "regret_worst",
    "noise",
    "settings",
    "hurt",
    "improvement",
    "norm_ratio",
    "effective_tasks",
    "conflict_rate",
    "overheads",
    "memory",
    "missing",
)
AMONG_ROWS = {"p", "area_p", "task_p", "group", "rank"}
"""Compare rows with each other, and are marked so."""
GAINS = {
    "uniform": [(4, 6), (5, 5), (6, 7)],
    "pcgrad": [(8, 6), (7, 9), (9, 8)],
    "static+00000001": [(12, 0), (11, 1), (12, 1)],
    "static+00000002": [(0, 12), (1, 11), (0, 13)],
    "single_task": [(10, 10), (11, 12), (12, 11)],
    "bad": [(-4, 2), (-5, 1), (-4, 1)],
}
"""Items of 40 on two tasks, by seed."""
WEIGHTS = {"static+00000001": [20.0, 1.0], "static+00000002": [1.0, 20.0]}
Make = Callable[..., Any]


def runs_of(make_record: Make, label: str, gains: list[tuple[int, int]], first: int = 0) -> list[Run]:
    name = label.partition("+")[0]
    use = {"settings": {"weights": WEIGHTS[label]}} if label in WEIGHTS else {}
    records = [make_record(method=name, seed=seed, gains=each, use=use) for seed, each in enumerate(gains, first)]
    return [Run(Path(f"results/nano-v1/{label}/{record.seed}.json"), record) for record in records]


@pytest.fixture
def runs(make_record: Make) -> list[Run]:
    return [run for label, gains in GAINS.items() for run in runs_of(make_record, label, gains)]


def row(of: Board, label: str) -> Row:
    found = of.row(label)
    assert found is not None
    return found


def numbers(of: Row) -> dict[str, Any]:
    return {name: getattr(of, name) for name in (*HEADLINE, *HEADLINE_TOO)}


def test_every_number_of_a_row_is_checked_here() -> None:
    known = {"label", "runs", *HEADLINE, *HEADLINE_TOO, *AMONG_ROWS}
    assert {field.name for field in fields(Row)} == known


@pytest.mark.parametrize("gains", [[(30, 30)] * 3, [(-10, -10), (20, -5), (4, 4)], [(5, 5)]])
def test_a_new_row_changes_no_other_row(runs: list[Run], make_record: Make, gains: list[tuple[int, int]]) -> None:
    before, after = board(runs), board([*runs, *runs_of(make_record, "new", gains)])
    for each in before.rows:
        assert numbers(each) == numbers(row(after, each.label)), each.label
    assert {each.label for each in after.frontier} == {each.label for each in before.frontier}


def test_a_run_that_fails_changes_only_its_own_row(runs: list[Run], make_record: Make) -> None:
    before = board(runs)
    failed = Run(
        Path("results/nano-v1/pcgrad/3.json"),
        make_record(method="pcgrad", seed=3, gains=[9, 9], status="failed", reason="it broke"),
    )
    after = board([*runs, failed])
    for each in before.rows:
        assert each.label == "pcgrad" or numbers(each) == numbers(row(after, each.label))
    assert row(after, "pcgrad").unfinished == 1


def test_the_order_of_files_says_nothing(runs: list[Run]) -> None:
    shuffled = list(runs)
    for seed in range(3):
        random.Random(seed).shuffle(shuffled)
        assert board(shuffled) == board(runs)
        assert board_data(board(shuffled)) == board_data(board(runs))


def test_the_order_of_a_store_says_nothing_across_suites(runs: list[Run], make_record: Make) -> None:
    other = Run(Path("results/smoke-v1/uniform/0.json"), make_record(suite="smoke-v1"))
    assert [each.name for each in boards([other, *runs])] == ["nano-v1", "smoke-v1"]
    assert boards([other, *runs]) == boards([*reversed(runs), other])
    with pytest.raises(UserError, match="Keep suites apart"):
        board([other, *runs])


@pytest.mark.parametrize("status", ["failed", "over_budget"])
def test_a_run_that_is_not_done_counts_as_no_gain(runs: list[Run], make_record: Make, status: str) -> None:
    """Two of three pcgrad runs gain (8 + 6) / 80 and (7 + 9) / 80; the third would have gained most."""
    lost = make_record(method="pcgrad", seed=2, gains=[20, 20], status=status, reason="it ended")
    kept = [run for run in runs if (run.label, run.record.seed) != ("pcgrad", 2)]
    found = row(board([*kept, Run(Path("results/nano-v1/pcgrad/2.json"), lost)]), "pcgrad")
    assert (found.gain.n, found.unfinished) == (3, 1)
    assert found.gain.mean == pytest.approx((14 / 80 + 16 / 80 + 0) / 3)
    assert [task.mean for task in found.tasks] == pytest.approx([15 / 120, 15 / 120])
    assert row_data(found)["unfinished"] == 1


def test_a_row_without_all_seeds_is_preliminary_and_not_ranked(runs: list[Run]) -> None:
    found = board([run for run in runs if (run.label, run.record.seed) != ("pcgrad", 1)])
    pcgrad = row(found, "pcgrad")
    assert (pcgrad.missing, pcgrad.group, pcgrad.rank) == ([1], None, None)
    assert pcgrad.difference is not None
    assert pcgrad.difference.n == 2
    assert all(each.group for each in found.rows if each.label not in ("pcgrad", "single_task"))


def test_without_the_reference_there_is_no_difference(runs: list[Run]) -> None:
    found = board([run for run in runs if run.label != "uniform"])
    for each in found.rows:
        assert (each.difference, each.p, each.improvement, each.missing) == (None, None, None, [])
        assert each.verdict == "no seed shared with uniform"
        assert set(each.overheads.values()) == {None}
    assert found.detectable == float("inf")


def test_one_seed_shows_numbers_and_claims_nothing(runs: list[Run]) -> None:
    found = board([run for run in runs if run.record.seed == 0])
    for each in found.rows:
        assert each.gain.n == 1
        assert each.hurt == []
        assert each.verdict in ("reference", "not separable from uniform")
    assert found.detectable == float("inf")
    assert found.seeds == "1"


@pytest.mark.parametrize("label", ["uniform", "pcgrad", "single_task", "static+00000001"])
def test_one_method_is_a_board(runs: list[Run], label: str) -> None:
    found = board([run for run in runs if run.label == label])
    assert [each.label for each in found.rows] == [label]
    assert found.rows[0].regret is None


def test_the_sweep_gives_regrets_to_the_others(runs: list[Run]) -> None:
    """Mean gains in 80ths by seed: uniform 10, 10, 13; one task louder 12, 12, 13 and 12, 12, 13.

    On every seed a louder point is best on the others, and scores 12, 12, 13. pcgrad scores 14, 16, 17. It was run
    with one setting, so that at an equal budget it meets the mean of the three points: (10 + 12 + 12) / 3 and so on.
    """
    found = board(runs)
    assert {each.label for each in found.frontier} == {"uniform", "static+00000001", "static+00000002"}
    regret = row(found, "pcgrad").regret
    assert regret is not None
    assert regret.best.mean == pytest.approx((-2 - 4 - 4) / 3 / 80)
    assert regret.equal.mean == pytest.approx((34 / 3 - 14 + 34 / 3 - 16 + 39 / 3 - 17) / 3 / 80)
    own = row(found, "uniform").regret
    assert own is not None
    assert own.best.mean == pytest.approx((2 + 2 + 0) / 3 / 80)
    assert all(row(found, label).regret is None for label in (*WEIGHTS, "single_task"))


def test_without_a_sweep_there_is_no_regret(runs: list[Run]) -> None:
    """The reference alone is no sweep."""
    found = board([run for run in runs if not run.label.startswith("static")])
    assert all(each.regret is None for each in found.rows)


def test_p_is_corrected_within_each_family(runs: list[Run]) -> None:
    """Methods, static weights and specialists are distinguished: the last two are no candidates."""
    found = board(runs)
    means = {each.label: {run.record.seed: run.mean for run in each.runs} for each in found.rows}
    for family in (("pcgrad", "bad"), tuple(WEIGHTS), ("single_task",)):
        expected = holm({label: paired_p(means[label], means["uniform"]) for label in family})
        for label in family:
            assert row(found, label).p == pytest.approx(expected[label], abs=1e-12)
    assert row(found, "uniform").p is None
    assert found.comparisons == 2


def test_a_preliminary_row_changes_no_verdict(runs: list[Run], make_record: Make) -> None:
    before = board(runs)
    after = board([*runs, *runs_of(make_record, "early", [(9, 9), (8, 1)])])
    assert {each.label: each.p for each in before.rows} == {
        each.label: each.p for each in after.rows if each.label != "early"
    }


def test_verdicts_groups_ranks_and_pairs_follow_one_rule(runs: list[Run]) -> None:
    """A row that is better than the reference is in another group and has no rank in common with it."""
    found = board(runs)
    reference = row(found, "uniform")
    assert {each.verdict.split()[0] for each in found.rows} > {"worse"}
    for each in found.rows:
        if each.group is None or each is reference:
            continue
        apart = each.verdict.split()[0] in ("better", "worse")
        assert found.differ(each.label, "uniform") == apart
        if apart:
            assert each.group != reference.group
        if each.group == 1:
            assert not found.differ(each.label, found.rows[1].label)


def test_a_diagnostic_task_changes_no_mean(runs: list[Run]) -> None:
    """The second task marked as not scored: means are those of the first alone, and its gain is still shown."""

    def diagnosed(run: Run) -> Run:
        tasks = [run.record.tasks[0], run.record.tasks[1].model_copy(update={"scored": False})]
        return Run(run.path, run.record.model_copy(update={"tasks": tasks}))

    found = board([diagnosed(run) for run in runs])
    assert [task.name for task in found.scored] == ["task_a"]
    for each in found.rows:
        assert each.gain.mean == pytest.approx(each.tasks[0].mean)
        assert each.worst.mean == pytest.approx(each.tasks[0].mean)
        assert len(each.tasks) == 2


def test_specialists_normalise_and_are_not_ranked(runs: list[Run]) -> None:
    found = board(runs)
    specialist = row(found, "single_task")
    assert specialist.specialists
    assert specialist.group is None
    assert "single_task" not in {label for labels in found.efficient.values() for label in labels}
    # 8 / 11 and 23 / 33 of what the specialists gain
    normalised = row(found, "pcgrad").normalised
    assert normalised is not None
    assert normalised.mean == pytest.approx((8 / 11 + 23 / 33) / 2)
