"""Validation of every data task: the right reply to a row scores 1, a slip scores 0, on real rows where there are.

By default 500 rows of each split (the order is that of the prompts' hashes, so that the first are a fair sample);
all of them in the slow test.
"""

import random
from itertools import islice
from pathlib import Path

import pytest

from tasks import DataTask, Row
from tasks._data import load
from tasks._registry import all_tasks

SAMPLE = {"code": 100, "math": 300, "qa": 500}
"""Rows of each split by domain; a program takes milliseconds, a formula one, a letter none."""
DATA = [task for task in all_tasks().values() if isinstance(task, DataTask)]
every_data_task = pytest.mark.parametrize("task", DATA, ids=str)


def check(task: DataTask, rows: list[Row]) -> None:
    """Right replies score 1 and slips 0; says which rows do not."""
    rng = random.Random(0)
    lost = [row.prompt for row in rows if task.verify(task.solution(row), row) != 1.0]
    assert not lost, f"{len(lost)} of {len(rows)} right replies are refused, such as that to {lost[0]!r}"
    won = [slip for row in rows if task.verify(slip := task.slip(row, rng), row) != 0.0]
    assert not won, f"{len(won)} of {len(rows)} slips are taken, such as {won[0]!r}"


def rows_of(task: DataTask, root: Path, count: int | None) -> list[Row]:
    return [row for split in task.mirror for row in islice(load(task, root)[split], count)]


@every_data_task
def test_hand_written_rows(task: DataTask, hand_written: Path) -> None:
    rows = rows_of(task, hand_written, None)
    assert all(any(row.split == split for row in rows) for split in task.mirror), "write rows for every split"
    assert len(rows) >= 6 or len(task.mirror) == 1
    check(task, rows)


@every_data_task
def test_a_sample_of_real_rows(task: DataTask, real_data: Path) -> None:
    if not (real_data / task.name).is_dir():
        pytest.skip("no real copy of this set is at hand")
    check(task, rows_of(task, real_data, SAMPLE[task.domain]))


@pytest.mark.slow
@every_data_task
def test_all_real_rows(task: DataTask, real_data: Path) -> None:
    if not (real_data / task.name).is_dir():
        pytest.skip("no real copy of this set is at hand")
    check(task, rows_of(task, real_data, None))


@every_data_task
def test_the_published_sizes_are_those_of_the_files(task: DataTask, real_data: Path) -> None:
    """No more rows than published, and at least nine in ten of them, where the published files are at hand."""
    if not all(list((real_data / task.name).glob(f"{name}*")) for names in task.mirror.values() for name in names):
        pytest.skip("the published files are not at hand")
    found = {split: len(rows) for split, rows in load(task, real_data).items() if split in task.mirror}
    if task.name == "mmlu":  # the published training rows are on the hub alone
        del found["train"]
    if len(set(task.mirror.values())) == 1:  # the split is ours, or the hub's own
        found = {"both": sum(found.values())}
        assert 0.9 * sum(task.sizes.values()) <= found["both"] <= sum(task.sizes.values())
    else:
        assert all(0.9 * task.sizes[split] <= found[split] <= task.sizes[split] for split in found)


@every_data_task
def test_its_card_says_where_rows_come_from(task: DataTask) -> None:
    assert task.licence
    assert "/" in task.hub.id
    assert task.hub.commit or len(task.hub.revision) > 40, "pin a commit, or say why none is"
    assert set(task.hub.splits) >= set(task.mirror) >= set(task.sizes) > set()
    assert not task.balance or sum(task.balance.values()) == pytest.approx(1, abs=0.002)
    assert not task.note or task.note.endswith(".")


@every_data_task
def test_the_published_balance_is_that_of_the_rows(
    task: DataTask, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not task.balance or not (real_data / task.name).is_dir() or task.name == "boolq":  # its copy is a balanced part
        pytest.skip("no figure, or no real copy to compare it with")
    monkeypatch.setenv("BALANCEBENCH_DATA_ROOT", str(real_data))
    assert task.balance_of("heldout") == pytest.approx(task.balance, abs=0.001)
