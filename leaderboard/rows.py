"""What a suite's table shows, computed from its runs; templates only lay it out."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path

from bench.analysis import gain, imbalance
from bench.analysis.statistics import (
    Interval,
    minimum_detectable_effect,
    paired_difference,
    paired_differences,
    t_interval,
)
from bench.records.schema import Record, TaskResult

REFERENCE = "uniform"
"""The method that every other is compared with."""


@dataclass(frozen=True)
class Run:
    """One run: its record and the file it came from."""

    path: Path
    record: Record

    @cached_property
    def label(self) -> str:
        """The method's place in the store: its name, and `+` with 8 hex digits for settings not default."""
        return gain.method_label(self.path, self.record)

    @property
    def page(self) -> str:
        """The run's page, from the root of the site."""
        return f"runs/{self.record.suite.name}/{self.label}/{self.record.seed}.html"

    @property
    def data(self) -> str:
        """The copy of the run's record, from the root of the site."""
        return f"data/{self.record.suite.name}/{self.label}/{self.record.seed}.json"

    @cached_property
    def norms(self) -> list[float | None]:
        """Mean unbiased squared gradient norm of each task, [K]."""
        return imbalance.squared_norms(self.record.curves) or [None] * len(self.record.tasks)

    @property
    def gains(self) -> list[float]:
        """Gain on each task, [K]; 0 for a run that is not done."""
        return gain.counted_gains(self.record)

    @property
    def step_seconds(self) -> float | None:
        """Seconds of training a step; None without a step."""
        ledger = self.record.ledger
        return ledger.wall_seconds / ledger.steps if ledger.steps else None


@dataclass(frozen=True)
class Row:
    """One method of a suite, over its seeds. Gains are fractions of held-out reward."""

    label: str
    runs: Sequence[Run]
    gain: Interval
    difference: Interval | None
    """To the reference, paired by seed; None for the reference itself and where no seed is shared."""
    worst: Interval
    tasks: Sequence[Interval]
    norm_ratio: float | None
    overhead: float | None

    @property
    def record(self) -> Record:
        """The first seed's record, for what all seeds share."""
        return self.runs[0].record

    @property
    def unfinished(self) -> int:
        """How many runs are not done."""
        return sum(run.record.status != "done" for run in self.runs)

    @property
    def verdict(self) -> str:
        """What may be said of the method against the reference."""
        if self.label == REFERENCE:
            return "reference"
        if self.difference is None:
            return f"no seed shared with {REFERENCE}"
        if not self.difference.excludes_zero:
            return f"not separable from {REFERENCE}"
        return f"{'better' if self.difference.mean > 0 else 'worse'} than {REFERENCE}"


@dataclass(frozen=True)
class SuiteTable:
    """All methods of a suite, the largest mean gain first."""

    name: str
    rows: Sequence[Row]
    detectable: float
    """Smallest difference to the reference that so many seeds can see; infinite if nothing can be seen.
    The spread is pooled over the methods whose runs are all done."""

    @property
    def tasks(self) -> Sequence[TaskResult]:
        """The suite's tasks."""
        return self.rows[0].record.tasks

    @property
    def seeds(self) -> str:
        """How many seeds a method has, as text: `3` or `1 to 3`."""
        counts = sorted({len(row.runs) for row in self.rows})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"

    @property
    def span(self) -> float:
        """Largest finite end of a difference's interval, the half-width of the drawn scale; positive."""
        shown = [row.difference for row in self.rows if row.difference]
        ends = [abs(end) for each in shown for end in (each.low, each.mean, each.high)]
        return max((end for end in ends if math.isfinite(end)), default=0.0) or 1.0


def suite_tables(runs: Iterable[Run]) -> list[SuiteTable]:
    """One table a suite, by name. UserError if the runs of a suite do not share their tasks."""
    ordered = sorted(runs, key=lambda run: (run.record.suite.name, run.label, run.record.seed))
    return [
        suite_table(name, list(members)) for name, members in groupby(ordered, key=lambda run: run.record.suite.name)
    ]


def suite_table(name: str, runs: Sequence[Run]) -> SuiteTable:
    """The table of one suite; runs: sorted by method and seed."""
    table = gain.gain_table((run.path, run.record) for run in runs)
    means, worst = gain.mean_gains(table), gain.worst_gains(table)
    grouped = {label: list(members) for label, members in groupby(runs, key=lambda run: run.label)}
    reference = means.get(REFERENCE, {})
    others = {label: values for label, values in means.items() if label != REFERENCE}
    rows = [
        Row(
            label=label,
            runs=members,
            gain=t_interval(means[label].values()),
            difference=_difference(others.get(label, {}), reference),
            worst=t_interval(worst[label].values()),
            tasks=[t_interval(gains) for gains in zip(*(run.gains for run in members), strict=True)],
            norm_ratio=imbalance.norm_ratio(imbalance.pooled_norms(run.norms for run in members)),
            overhead=overhead(members, grouped.get(REFERENCE, [])),
        )
        for label, members in grouped.items()
    ]
    # A failed run's gain of 0 is a verdict, not noise: it must not set the scale of what can be seen.
    steady = [row.label for row in rows if not row.unfinished and row.difference]
    paired = [paired_differences(means[label], reference).values() for label in steady]
    detectable = minimum_detectable_effect(paired, max(map(len, paired), default=0))
    return SuiteTable(name, sorted(rows, key=lambda row: (-row.gain.mean, row.label)), detectable)


def overhead(runs: Sequence[Run], reference: Sequence[Run]) -> float | None:
    """Seconds a step relative to the reference with the same seed, geometric mean over seeds.

    Only finished pairs made with the same threads on the same hardware count; None if there is no such pair.
    """
    peers = {_machine(run): run for run in reference}
    ratios = [_time_ratio(run, peers[_machine(run)]) for run in runs if _machine(run) in peers]
    logs = [math.log(ratio) for ratio in ratios if ratio]
    return math.exp(sum(logs) / len(logs)) if logs else None


def _time_ratio(run: Run, peer: Run) -> float:
    if run.record.status != "done" or peer.record.status != "done" or not peer.step_seconds:
        return 0.0
    return (run.step_seconds or 0.0) / peer.step_seconds


def _machine(run: Run) -> tuple[int, str, int]:
    made = run.record.provenance
    return run.record.seed, made.hardware, made.threads


def _difference(values: dict[int, float], reference: dict[int, float]) -> Interval | None:
    return paired_difference(values, reference) if values.keys() & reference.keys() else None
