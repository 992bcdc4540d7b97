"""Runs as the analysis takes them: their labels, what counts as a gain, and that suites are kept apart."""

from pathlib import Path

import pytest

from bench.analysis.runs import Run, check_one_suite, group_by_method, method_label
from bench.errors import UserError


def test_a_run_that_is_not_done_counts_as_no_gain(make_record):
    """Intention to treat: no run is ever dropped."""
    failed = make_record(status="failed", reason="diverged")
    tasks = [task.model_copy(update={"after": None}) for task in failed.tasks]
    run = Run(Path("r/nano-v1/uniform/0.json"), failed.model_copy(update={"tasks": tasks}))
    assert run.gains == [0, 0, 0]
    assert not run.done


def test_a_diagnostic_task_enters_no_mean(make_record):
    record = make_record(gains=[8, -8, 4])
    tasks = [record.tasks[0], record.tasks[1].model_copy(update={"scored": False}), record.tasks[2]]
    run = Run(Path("r/nano-v1/uniform/0.json"), record.model_copy(update={"tasks": tasks}))
    assert run.scored == (0, 2)
    assert run.gains == pytest.approx([0.2, -0.2, 0.1])
    assert (run.counted, run.mean) == (pytest.approx([0.2, 0.1]), pytest.approx(0.15))


def test_runs_of_a_method_are_in_the_order_of_seeds(make_record):
    runs = [Run(Path(f"r/nano-v1/uniform/{seed}.json"), make_record(seed=seed)) for seed in (2, 0, 1)]
    assert [run.record.seed for run in group_by_method(runs)["uniform"]] == [0, 1, 2]
    assert runs[1].gains == pytest.approx([0.1, 0.125, 0.15])


@pytest.mark.parametrize(
    ("method", "folder"),
    [("uniform", "uniform"), ("static", "static+0123abcd"), ("torchjd/UPGrad", "torchjd/UPGrad+0123abcd")],
)
def test_the_label_is_the_method_part_of_the_path(make_record, method, folder):
    assert method_label(Path(f"r/nano-v1/{folder}/0.json"), make_record(method=method)) == folder


def test_runs_of_different_mixtures_do_not_mix(make_record):
    runs = [Run(Path(f"r/s/m/{tasks}.json"), make_record(tasks=tasks, seed=tasks)) for tasks in (2, 3)]
    with pytest.raises(UserError, match=r"r/s/m/3.json: field tasks: task_a, task_b, task_c; r/s/m/2.json has"):
        check_one_suite(runs)
