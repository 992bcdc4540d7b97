"""A suite's leaderboard as data: one row a method, every number with its interval and its runs.

Headline columns compare a row with the reference alone, so that a new method changes no other row. Groups and rank
ranges compare rows with each other; they are marked as such.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis import imbalance
from bench.analysis.cost import CURRENCIES, Currency, gain_at_equal_cost, overhead, peak_memory
from bench.analysis.frontier import efficient, signed_distance
from bench.analysis.normalised import SPECIALIST, mean_normalised, specialist_gains
from bench.analysis.ranking import (
    ALPHA,
    Estimate,
    holm,
    paired_p,
    probability_of_improvement,
    rank_intervals,
    tie_groups,
)
from bench.analysis.runs import REFERENCE, Run, check_one_suite, group_by_method
from bench.analysis.statistics import (
    Interval,
    minimum_detectable_effect,
    paired_difference,
    paired_differences,
    t_interval,
)
from bench.records.schema import TaskResult

SWEEP = "static"
"""The method whose settings make the scalarisation frontier."""


@dataclass(frozen=True)
class Row:
    """One method of a suite, over its seeds. Gains are fractions of held-out reward."""

    label: str
    runs: Sequence[Run]
    gain: Interval
    difference: Interval | None
    """Mean gain minus the reference's, paired by seed; None for the reference, and without a common seed."""
    worst: Interval
    tasks: Sequence[Interval]
    hurt: int
    """Tasks that became worse than the base model for certain: their interval lies below 0."""
    normalised: Interval | None
    """Mean gain over that of the specialists; None without `single_task`, or where no specialist learned."""
    distance: float | None
    """Signed distance to the frontier of static weights; None without a sweep, and for points of the sweep."""
    improvement: Estimate | None
    p: float | None
    """The difference's p-value, adjusted by Holm over the rows; None for the reference and without a common seed."""
    norm_ratio: float | None
    effective_tasks: float | None
    conflict_rate: float | None
    overheads: Mapping[Currency, float | None]
    equal_cost: Mapping[Currency, Interval | None]
    """Training gain by the time it had spent what the reference spends in all."""
    memory: int
    missing: Sequence[int]
    """Seeds that the reference has and this row has not: the row is preliminary."""
    group: int | None
    """Tie group among complete rows, from 1; a comparison between rows."""
    rank: tuple[int, int] | None
    """95 % range of its rank among complete rows; a comparison between rows."""

    @property
    def unfinished(self) -> int:
        """How many runs are not done."""
        return sum(not run.done for run in self.runs)

    @property
    def verdict(self) -> str:
        """What may be said of the method against the reference, by the interval; and whether Holm's p agrees."""
        if self.label == REFERENCE:
            return "reference"
        if self.difference is None:
            return f"no seed shared with {REFERENCE}"
        if not self.difference.excludes_zero:
            return f"not separable from {REFERENCE}"

        doubt = ", uncorrected" if self.p is not None and self.p > ALPHA else ""
        return f"{'better' if self.difference.mean > 0 else 'worse'} than {REFERENCE}{doubt}"

    @property
    def specialists(self) -> bool:
        """Whether it trains one model a task: a row for comparison, not one model for all."""
        return self.runs[0].record.method.name == SPECIALIST


@dataclass(frozen=True)
class Board:
    """All methods of a suite, the largest mean gain first."""

    name: str
    rows: Sequence[Row]
    detectable: float
    """Smallest difference to the reference that so many seeds can see; infinite if nothing can be seen."""
    frontier: Sequence[Row]
    """Points of the sweep of static weights, the reference included."""
    efficient: Mapping[Currency, Sequence[str]]
    """Labels on the efficient frontier of mean gain against cost, cheapest first; a comparison between rows."""

    @property
    def tasks(self) -> Sequence[TaskResult]:
        """The suite's tasks."""
        return self.rows[0].runs[0].record.tasks

    @property
    def seeds(self) -> str:
        """How many seeds a method has, as text: `3` or `1 to 3`."""
        counts = sorted({len(row.runs) for row in self.rows})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"

    def row(self, label: str) -> Row | None:
        """The row of a label."""
        return next((row for row in self.rows if row.label == label), None)


def boards(runs: Iterable[Run]) -> list[Board]:
    """One board a suite, by name."""
    by_suite: dict[str, list[Run]] = {}
    for run in runs:
        by_suite.setdefault(run.record.suite.name, []).append(run)
    return [board(by_suite[name]) for name in sorted(by_suite)]


def board(runs: Sequence[Run]) -> Board:
    """The board of one suite's runs. UserError if they do not share their tasks."""
    check_one_suite(runs)
    groups = group_by_method(runs)
    field = _Field(groups)
    rows = sorted((field.row(label) for label in groups), key=lambda row: (-row.gain.mean, row.label))
    gains = {row.label: row.gain.mean for row in rows if not row.specialists}
    judged = [row for row in rows if row.difference and not row.unfinished and not row.specialists]
    # Static weights are raised to an extreme on purpose: their spread is not that of methods.
    steady = [row.label for row in judged if row.label not in field.sweep] or [row.label for row in judged]
    paired = [paired_differences(field.means[label], field.reference).values() for label in steady]

    return Board(
        name=runs[0].record.suite.name,
        rows=rows,
        detectable=minimum_detectable_effect(paired, max(map(len, paired), default=0)),
        frontier=[row for row in rows if row.label in field.sweep],
        efficient={
            currency: efficient({row.label: cost for row in rows if (cost := row.overheads[currency])}, gains)
            for currency in CURRENCIES
        },
    )


class _Field:
    """What rows are computed from."""

    def __init__(self, groups: Mapping[str, Sequence[Run]]) -> None:
        self.groups = groups
        self.gains = {label: {run.record.seed: run.gains for run in members} for label, members in groups.items()}
        self.means = {
            label: {seed: sum(gains) / len(gains) for seed, gains in by_seed.items()}
            for label, by_seed in self.gains.items()
        }
        self.reference = self.means.get(REFERENCE, {})

        self.sweep = [name for name in groups if groups[name][0].record.method.name in (SWEEP, REFERENCE)]
        self.points = [
            [t_interval(values).mean for values in zip(*self.gains[name].values(), strict=True)] for name in self.sweep
        ]
        self.specialists = specialist_gains(list(self.gains.get(SPECIALIST, {}).values()))

        others = {label: means for label, means in self.means.items() if label != REFERENCE}
        known = {label: paired_p(means, self.reference) for label, means in others.items() if self._paired(label)}
        self.p = holm(known)

        # A row that lacks seeds would be ranked on easier or harder ones than the others.
        whole = {name: means for name, means in self.means.items() if not self._missing(name) and name != SPECIALIST}
        self.group = tie_groups(whole)
        self.rank = rank_intervals(whole)

    def row(self, label: str) -> Row:
        runs = self.groups[label]
        by_seed = self.gains[label]
        tasks = [t_interval(values) for values in zip(*by_seed.values(), strict=True)]
        norms = imbalance.pooled_norms(run.norms for run in runs)
        reference = self.groups.get(REFERENCE, [])
        conflicts = [rate for run in runs if (rate := imbalance.conflict_rate(run.record.curves)) is not None]

        return Row(
            label=label,
            runs=runs,
            gain=t_interval(self.means[label].values()),
            difference=paired_difference(self.means[label], self.reference) if self._paired(label) else None,
            worst=t_interval(min(gains) for gains in by_seed.values()),
            tasks=tasks,
            hurt=sum(interval.high < 0 for interval in tasks),
            normalised=mean_normalised(by_seed, self.specialists)[0] if self.specialists else None,
            distance=self._distance(label, tasks),
            improvement=self._improvement(label),
            p=self.p.get(label),
            norm_ratio=imbalance.norm_ratio(norms),
            effective_tasks=imbalance.effective_tasks(norms),
            conflict_rate=sum(conflicts) / len(conflicts) if conflicts else None,
            overheads={currency: overhead(runs, reference, currency) for currency in CURRENCIES},
            equal_cost={
                currency: t_interval(found) if (found := gain_at_equal_cost(runs, reference, currency)) else None
                for currency in CURRENCIES
            },
            memory=peak_memory(runs),
            missing=self._missing(label),
            group=self.group.get(label),
            rank=self.rank.get(label),
        )

    def _paired(self, label: str) -> bool:
        return label != REFERENCE and bool(self.means[label].keys() & self.reference.keys())

    def _missing(self, label: str) -> list[int]:
        return sorted(self.reference.keys() - self.means[label].keys())

    def _distance(self, label: str, tasks: Sequence[Interval]) -> float | None:
        # One point is no sweep.
        if len(self.points) < 2 or label in self.sweep or self.groups[label][0].record.method.name == SPECIALIST:
            return None
        return signed_distance([interval.mean for interval in tasks], self.points)

    def _improvement(self, label: str) -> Estimate | None:
        if not self._paired(label):
            return None
        seeds = sorted(self.means[label].keys() & self.reference.keys())
        own, other = (np.array([self.gains[name][seed] for seed in seeds]) for name in (label, REFERENCE))
        return probability_of_improvement(own, other)
