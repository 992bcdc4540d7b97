"""The gain table."""

from pathlib import Path

import pytest

from bench.analysis.gain import COLUMNS, gain_table, mean_gains, method_label, worst_gains
from bench.errors import UserError


def test_one_row_a_run_and_task(make_record):
    runs = [(Path("r/nano-v1/uniform") / f"{seed}.json", make_record(seed=seed)) for seed in (1, 0)]
    table = gain_table(runs)
    assert list(table.columns) == list(COLUMNS)
    assert table["seed"].tolist() == [0, 0, 0, 1, 1, 1]
    assert table["task"].tolist() == ["task_a", "task_b", "task_c"] * 2
    assert table["gain"].tolist() == pytest.approx([0.1, 0.125, 0.15, 0.125, 0.15, 0.1])
    assert (table["after"] - table["before"]).tolist() == pytest.approx(table["gain"].tolist())
    assert table["path"].iloc[0] == "r/nano-v1/uniform/0.json"


def test_a_run_that_is_not_done_counts_as_no_gain(make_record):
    failed = make_record(status="failed", reason="diverged")
    tasks = [task.model_copy(update={"after": None}) for task in failed.tasks]
    table = gain_table([(Path("r/nano-v1/uniform/0.json"), failed.model_copy(update={"tasks": tasks}))])
    assert table["gain"].tolist() == [0, 0, 0]
    assert table["after"].isna().all()
    assert set(table["status"]) == {"failed"}


def test_no_runs_give_an_empty_table():
    assert list(gain_table([]).columns) == list(COLUMNS)
    assert len(gain_table([])) == 0


def test_means_and_worst_tasks_by_seed_and_method(make_record):
    runs = [
        (Path("r/nano-v1/uniform/0.json"), make_record(gains=[4, -4, 6])),
        (Path("r/nano-v1/uniform/1.json"), make_record(gains=[8, 8, 8], seed=1)),
        (Path("r/nano-v1/pcgrad/1.json"), make_record(gains=[2, 4, 6], seed=1, method="pcgrad")),
    ]
    means, worst = mean_gains(gain_table(runs)), worst_gains(gain_table(runs))
    assert means == {"uniform": pytest.approx({0: 0.05, 1: 0.2}), "pcgrad": pytest.approx({1: 0.1})}
    assert worst == {"uniform": pytest.approx({0: -0.1, 1: 0.2}), "pcgrad": pytest.approx({1: 0.05})}


@pytest.mark.parametrize(
    ("method", "folder"),
    [("uniform", "uniform"), ("static", "static+0123abcd"), ("torchjd/UPGrad", "torchjd/UPGrad+0123abcd")],
)
def test_the_label_is_the_method_part_of_the_path(make_record, method, folder):
    assert method_label(Path(f"r/nano-v1/{folder}/0.json"), make_record(method=method)) == folder


def test_runs_of_different_mixtures_do_not_mix(make_record):
    runs = [(Path(f"r/s/m/{tasks}.json"), make_record(tasks=tasks, seed=tasks)) for tasks in (2, 3)]
    with pytest.raises(UserError, match=r"r/s/m/3.json: field tasks: task_a, task_b, task_c; r/s/m/2.json has"):
        gain_table(runs)
