"""A run as the analysis takes it: a record, and the file it came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from bench.analysis.imbalance import squared_norms
from bench.errors import UserError
from bench.records.schema import Record

REFERENCE = "uniform"
"""The method that every other is compared with."""
PLAN = "RunPlan"
"""The hook class of methods that train more than once: their curves are several, one after the other."""


@dataclass(frozen=True)
class Run:
    """One run: its record and the file it came from."""

    path: Path
    record: Record

    @cached_property
    def label(self) -> str:
        """The method's place in the store: its name, and `+` with 8 hex digits for settings not default."""
        return method_label(self.path, self.record)

    @property
    def done(self) -> bool:
        """Whether the run reached the suite's last step."""
        return self.record.status == "done"

    @cached_property
    def tasks(self) -> tuple[str, ...]:
        """The names of the tasks, in the suite's order, [K]."""
        return tuple(task.name for task in self.record.tasks)

    @cached_property
    def gains(self) -> list[float]:
        """Learning gain on each task as it counts, [K], in [-1, 1]; 0 for a run that is not done."""
        return [task.gain if self.done else 0.0 for task in self.record.tasks]

    @cached_property
    def scored(self) -> tuple[int, ...]:
        """The places of the tasks that count; a diagnostic task is shown, and enters no mean."""
        return scored_tasks(self.record)

    @cached_property
    def counted(self) -> list[float]:
        """Learning gains of the scored tasks."""
        return [self.gains[task] for task in self.scored]

    @cached_property
    def mean(self) -> float:
        """Mean learning gain over the scored tasks, in [-1, 1]."""
        return sum(self.counted) / len(self.counted)

    @cached_property
    def norms(self) -> list[float | None]:
        """Mean unbiased squared gradient norm of each task, [K]."""
        return squared_norms(self.record.curves) or [None] * len(self.record.tasks)


def scored_tasks(record: Record) -> tuple[int, ...]:
    """The places of a record's scored tasks, in its order; at least one."""
    return tuple(place for place, task in enumerate(record.tasks) if task.scored)


def method_label(path: Path, record: Record) -> str:
    """The method part of a record's path: its name, and `+` with 8 hex digits for settings not default.

    A name like `torchjd/UPGrad` is two folders deep.
    """
    depth = record.method.name.count("/") + 1
    return "/".join(path.parent.parts[-depth:])


def group_by_method(runs: Iterable[Run]) -> dict[str, list[Run]]:
    """Runs by the label of their method, labels and seeds in order."""
    ordered = sorted(runs, key=lambda run: (run.label, run.record.seed))
    return {label: list(members) for label, members in groupby(ordered, key=lambda run: run.label)}


def check_one_suite(runs: Iterable[Run]) -> None:
    """UserError if the runs do not share their suite and tasks: they could not stand in one table."""
    ordered = list(runs)
    for run in ordered[1:]:
        first = ordered[0]
        for field, here, there in (
            ("suite.name", run.record.suite.name, first.record.suite.name),
            ("tasks", ", ".join(run.tasks), ", ".join(first.tasks)),
        ):
            if here != there:
                raise UserError(f"{run.path}: field {field}: {here}; {first.path} has {there}. Keep suites apart.")
