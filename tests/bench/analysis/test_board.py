"""What a suite's board says of its methods."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from bench.analysis.board import board
from bench.analysis.rows import Board
from bench.analysis.runs import Run
from bench.analysis.statistics import detectable_difference

Gains = Mapping[str, Sequence[Sequence[int]]]
UNIFORM = [[4, 4], [6, 6], [8, 8]]


@pytest.fixture
def build(make_record) -> Callable[..., Board]:
    """Board of methods from their gains by seed and task, in items of 40."""

    def build(gains: Gains, **fields: object) -> Board:
        return board(
            [
                Run(
                    Path(f"r/nano-v1/{method}/{seed}.json"),
                    make_record(len(tasks), method.partition("+")[0], seed, gains=tasks, **fields),
                )
                for method, seeds in gains.items()
                for seed, tasks in enumerate(seeds)
            ]
        )

    return build


def verdicts(found: Board) -> dict[str, str]:
    return {row.label: row.verdict for row in found.rows}


def test_rows_are_sorted_by_mean_gain_and_judged_by_their_interval(build):
    gains = {
        "uniform": UNIFORM,
        "better": [[6, 6], [8, 8], [10, 10]],
        "noisy": [[12, 12], [6, 6], [7, 7]],
        "worse": [[2, 2], [4, 4], [6, 6]],
    }
    assert list(verdicts(build(gains)).items()) == [
        ("noisy", "not separable from uniform"),
        ("better", "better than uniform"),
        ("uniform", "reference"),
        ("worse", "worse than uniform"),
    ]


def test_one_seed_cannot_be_judged(build):
    single = build({"uniform": UNIFORM[:1], "better": [[20, 20]]})
    assert verdicts(single)["better"] == "not separable from uniform"
    assert single.detectable == math.inf
    assert single.seeds == "1"


def test_a_failed_run_does_not_blur_what_can_be_seen(make_record):
    def run(method: str, seed: int, gain: int, **fields: object) -> Run:
        record = make_record(1, method, seed, gains=[gain], **fields)
        return Run(Path(f"r/nano-v1/{method}/{seed}.json"), record)

    steady = [run(*each) for each in (("uniform", 0, 8), ("uniform", 1, 8), ("good", 0, 12), ("good", 1, 14))]
    failed = [run("bad", 0, 20), run("bad", 1, 20, status="failed", reason="diverged")]
    expected = detectable_difference([[4 / 40, 6 / 40]], 2)
    for runs in (steady, steady + failed):
        assert board(runs).detectable == pytest.approx(expected, rel=1e-6)


def test_without_uniform_there_is_no_difference(build):
    assert verdicts(build({"pcgrad": UNIFORM})) == {"pcgrad": "no seed shared with uniform"}


def test_the_worst_task_is_that_of_each_run(build):
    (row,) = build({"uniform": [[-4, 8], [8, -4]]}).rows
    assert row.worst.mean == pytest.approx(-0.1)
    assert [interval.mean for interval in row.tasks] == pytest.approx([0.05, 0.05])


def test_a_task_is_hurt_only_if_it_lost_for_certain(build):
    (row,) = build({"uniform": [[-4, -4, 4], [-5, 4, 4], [-6, -4, 4]]}).rows
    assert row.hurt == ["task_a"]  # the second task's mean is below 0 too, its interval is not


def test_a_failed_run_counts_and_is_told(build):
    (row,) = build({"uniform": UNIFORM}, status="failed", reason="diverged").rows
    assert (row.gain.mean, row.unfinished, row.overheads["cpu_seconds"]) == (0, 3, None)


def test_a_row_that_lacks_seeds_is_preliminary_and_has_no_rank(build):
    early = build({"uniform": UNIFORM, "early": [[6, 6], [8, 9]]}).row("early")
    assert early is not None
    assert (list(early.missing), early.rank, early.group) == ([2], None, None)


def test_norm_ratio_is_of_squared_norms(build):
    (row,) = build({"uniform": [[1, 1, 1, 1]]}).rows
    assert row.norm_ratio == pytest.approx(4)


def test_settings_of_a_method_are_one_method_with_several_rows(build):
    found = build({"uniform": UNIFORM, "pike+00000001": UNIFORM, "pike+00000002": UNIFORM})
    assert (len(found.rows), found.methods) == (3, 2)
    assert {row.label: row.settings for row in found.rows} == {"uniform": 1, "pike+00000001": 2, "pike+00000002": 2}


def test_a_new_row_changes_no_headline_of_another(build):
    gains = {"uniform": UNIFORM, "good": [[6, 6], [9, 9], [10, 10]]}
    before, after = build(gains), build({**gains, "new": [[30, 1], [2, 20], [7, 7]]})
    for old in before.rows:
        new = after.row(old.label)
        assert new is not None
        assert (old.gain, old.difference, old.worst, old.tasks) == (new.gain, new.difference, new.worst, new.tasks)


@pytest.mark.parametrize(("hardware", "expected"), [("here", 1.5), ("there", None)])
def test_cpu_time_is_relative_to_uniform_on_the_same_hardware(make_record, hardware, expected):
    def run(method: str, seconds: float, where: str) -> Run:
        record = make_record(method=method, provenance={"hardware": where})
        ledger = record.ledger.model_copy(update={"cpu_seconds": seconds})
        return Run(Path(f"r/nano-v1/{method}/0.json"), record.model_copy(update={"ledger": ledger}))

    row = board([run("pcgrad", 6.0, hardware), run("uniform", 4.0, "here")]).row("pcgrad")
    assert row is not None
    assert row.overheads["cpu_seconds"] == (expected and pytest.approx(expected))
