"""Learning gain as a table: what each run taught the model on each task."""

from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pandas as pd

from bench.errors import UserError
from bench.records.schema import Record

COLUMNS = ("method", "seed", "task", "gain", "before", "after", "status", "path")


def method_label(path: Path, record: Record) -> str:
    """The method part of a record's path: its name, and `+` with 8 hex digits for settings not default.

    A name like `torchjd/UPGrad` is two folders deep.
    """
    depth = record.method.name.count("/") + 1
    return "/".join(path.parent.parts[-depth:])


def gain_table(runs: Iterable[tuple[Path, Record]]) -> pd.DataFrame:
    """One row a run and task, sorted by method and seed, tasks in the suite's order.

    Columns: method (label), seed, task, gain, before, after, status, path (text). before and after are
    held-out mean rewards in [0, 1]; after is NaN if not measured. gain = after - before, in [-1, 1], is 0
    for every task of a run that is not done: intention to treat, so that no run is ever dropped. UserError
    if the runs do not share one list of tasks.
    """
    ordered = sorted(runs, key=lambda run: (method_label(*run), run[1].seed))
    rows = [row for path, record in ordered for row in _rows(path, record)]
    _check_tasks(ordered)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def mean_gains(table: pd.DataFrame) -> dict[str, dict[int, float]]:
    """Mean gain over tasks of each run of a gain table, in [-1, 1], by method and seed."""
    return _by_method(table, "mean")


def worst_gains(table: pd.DataFrame) -> dict[str, dict[int, float]]:
    """Gain of the worst task of each run of a gain table, in [-1, 1], by method and seed."""
    return _by_method(table, "min")


def counted_gains(record: Record) -> list[float]:
    """Gain on each task as it counts, [K]: 0 for every task of a run that is not done."""
    return [task.gain if record.status == "done" else 0.0 for task in record.tasks]


def _rows(path: Path, record: Record) -> list[tuple[object, ...]]:
    label = method_label(path, record)
    return [
        (
            label,
            record.seed,
            task.name,
            gain,
            task.before.mean,
            task.after.mean if task.after else float("nan"),
            record.status,
            path.as_posix(),
        )
        for task, gain in zip(record.tasks, counted_gains(record), strict=True)
    ]


def _by_method(table: pd.DataFrame, how: Literal["mean", "min"]) -> dict[str, dict[int, float]]:
    values = table.groupby(["method", "seed"], as_index=False)["gain"].agg(how)
    result: dict[str, dict[int, float]] = {}
    for method, seed, value in values.itertuples(index=False, name=None):
        result.setdefault(method, {})[seed] = value
    return result


def _check_tasks(runs: list[tuple[Path, Record]]) -> None:
    for path, record in runs[1:]:
        expected, found = ([task.name for task in run.tasks] for run in (runs[0][1], record))
        if found != expected:
            raise UserError(
                f"{path}: field tasks: {', '.join(found)}; {runs[0][0]} has {', '.join(expected)}. "
                "Runs of one table share their tasks; keep suites apart."
            )
