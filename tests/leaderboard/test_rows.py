"""What a suite's table says of its methods."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from leaderboard.rows import Run, SuiteTable, suite_tables

Gains = Mapping[str, Sequence[Sequence[int]]]
UNIFORM = [[4, 4], [6, 6], [8, 8]]


@pytest.fixture
def table(make_record) -> Callable[..., SuiteTable]:
    """Table of methods from their gains by seed and task."""

    def build(gains: Gains, **fields: object) -> SuiteTable:
        runs = [
            Run(
                Path(f"r/nano-v1/{method}/{seed}.json"),
                make_record(len(tasks), method, seed, gains=tasks, **fields),
            )
            for method, seeds in gains.items()
            for seed, tasks in enumerate(seeds)
        ]
        return suite_tables(runs)[0]

    return build


def rows(table: SuiteTable) -> dict[str, str]:
    return {row.label: row.verdict for row in table.rows}


def test_rows_are_sorted_by_mean_gain_and_judged_by_their_interval(table):
    gains = {
        "uniform": UNIFORM,
        "better": [[6, 6], [8, 8], [10, 10]],
        "noisy": [[12, 12], [6, 6], [7, 7]],
        "worse": [[2, 2], [4, 4], [6, 6]],
    }
    assert list(rows(table(gains)).items()) == [
        ("noisy", "not separable from uniform"),
        ("better", "better than uniform"),
        ("uniform", "reference"),
        ("worse", "worse than uniform"),
    ]


def test_one_seed_cannot_be_judged(table):
    single = table({"uniform": UNIFORM[:1], "better": [[20, 20]]})
    assert rows(single)["better"] == "not separable from uniform"
    assert single.detectable == math.inf
    assert single.seeds == "1"


def test_a_failed_run_does_not_blur_what_can_be_seen(make_record):
    def run(method: str, seed: int, gain: int, **fields: object) -> Run:
        record = make_record(1, method, seed, gains=[gain], **fields)
        return Run(Path(f"r/nano-v1/{method}/{seed}.json"), record)

    steady = [run(*each) for each in (("uniform", 0, 8), ("uniform", 1, 8), ("good", 0, 12), ("good", 1, 14))]
    failed = [run("bad", 0, 20), run("bad", 1, 20, status="failed", reason="diverged")]
    expected = 12.706205 * 0.025  # differences of 4 and 6 items of 40: s / sqrt(2) is half an item
    for runs in (steady, steady + failed):
        assert suite_tables(runs)[0].detectable == pytest.approx(expected, rel=1e-6)


def test_without_uniform_there_is_no_difference(table):
    alone = table({"pcgrad": UNIFORM})
    assert rows(alone) == {"pcgrad": "no seed shared with uniform"}
    assert alone.span == 1.0


def test_the_worst_task_is_that_of_each_run(table):
    (row,) = table({"uniform": [[-4, 8], [8, -4]]}).rows
    assert row.worst.mean == pytest.approx(-0.1)
    assert [interval.mean for interval in row.tasks] == pytest.approx([0.05, 0.05])


def test_a_failed_run_counts_and_is_told(table):
    (row,) = table({"uniform": UNIFORM}, status="failed", reason="diverged").rows
    assert (row.gain.mean, row.unfinished, row.overhead) == (0, 3, None)


def test_norm_ratio_is_of_squared_norms(table):
    (row,) = table({"uniform": [[1, 1, 1, 1]]}).rows
    assert row.norm_ratio == pytest.approx(4)


def run(make_record, method: str, seconds: float, hardware: str = "here") -> Run:
    record = make_record(method=method, ledger={"wall_seconds": seconds}, provenance={"hardware": hardware})
    return Run(Path(f"r/nano-v1/{method}/0.json"), record)


def test_time_is_relative_to_uniform_on_the_same_hardware(make_record):
    here = [run(make_record, "pcgrad", 6.0), run(make_record, "uniform", 4.0)]
    there = [run(make_record, "pcgrad", 6.0, "there"), run(make_record, "uniform", 4.0)]
    overheads = [{row.label: row.overhead for row in suite_tables(runs)[0].rows} for runs in (here, there)]
    assert overheads[0] == {"pcgrad": pytest.approx(1.5), "uniform": pytest.approx(1.0)}
    assert overheads[1]["pcgrad"] is None
