"""A suite's leaderboard as data: one row a method and setting, every number with its interval and its runs.

Headline columns compare a row with the reference alone, so that a new method changes no other row. p-values, verdicts,
groups and ranks are corrected for how many rows there are; they are marked as such.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.analysis.cost import Currency
from bench.analysis.metrics import Time
from bench.analysis.noise import Noise
from bench.analysis.normalised import SPECIALIST
from bench.analysis.ranking import Estimate, Pairs
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.significance import ALPHA
from bench.analysis.statistics import Interval
from bench.records.schema import TaskResult

SWEEP = "static"
"""The method whose settings are the static points."""


@dataclass(frozen=True)
class Regret:
    """What the best static point scores beyond a row, paired by seed; positive: static weights do better."""

    best: Interval
    """The best of all points."""
    equal: Interval
    """The best of as many points as the method was run with settings, expected over which were tried."""


@dataclass(frozen=True)
class Row:
    """One method and setting of a suite, over its seeds. Gains are fractions of held-out reward, of scored tasks."""

    label: str
    runs: Sequence[Run]
    settings: int
    """Rows of the same method: the settings it was run with."""
    gain: Interval
    difference: Interval | None
    """Mean gain minus the reference's, paired by seed; None for the reference, and without a common seed."""
    p: float | None
    """The difference's p-value, corrected over the family of rows; None where there is no difference."""
    worst: Interval
    tasks: Sequence[Interval]
    task_differences: Sequence[Interval]
    """The gain on each task minus the reference's, [K]; empty where there is no difference."""
    task_p: Sequence[float]
    """p-values of the task differences, corrected over all tasks and all rows of the family."""
    hurt: Sequence[str]
    """Tasks that became worse than the base model for certain: their interval lies below 0."""
    area: Interval | None
    """Mean training reward over the run minus the reward before it; None without rewards, and for plans."""
    area_difference: Interval | None
    area_p: float | None
    """The p-value of that difference, corrected over the family of rows."""
    normalised: Interval | None
    """Mean gain over that of the specialists; this and the next two: None without specialists that learned."""
    worst_normalised: Interval | None
    geometric: Interval | None
    """The geometric mean of the normalised gains."""
    target: Time | None
    """When it reached 95 % of the reference's final training reward."""
    regret: Regret | None
    """Regret of the mean gain; None without a sweep of static weights, and for its points but the reference."""
    regret_worst: Regret | None
    """Regret of the worst normalised task."""
    improvement: Estimate | None
    norm_ratio: float | None
    effective_tasks: float | None
    conflict_rate: float | None
    overheads: Mapping[Currency, float | None]
    equal_cost: Mapping[Currency, Interval | None]
    """Training gain by the time it had spent what the reference spends in all."""
    memory: int
    noise: Noise | None
    """Where the spread of the difference comes from."""
    missing: Sequence[int]
    """Seeds that the reference has and this row has not: the row is preliminary."""
    group: int | None
    """Tie group among complete rows, from 1; a comparison between rows."""
    rank: tuple[int, int] | None
    """Ranks that resolved pairs leave open among complete rows; a comparison between rows."""

    @property
    def unfinished(self) -> int:
        """How many runs are not done."""
        return sum(not run.done for run in self.runs)

    @property
    def verdict(self) -> str:
        """What may be said of the method against the reference: better or worse only by the corrected p-value."""
        if self.label == REFERENCE:
            return "reference"
        if self.difference is None or self.p is None:
            return f"no seed shared with {REFERENCE}"
        if self.p > ALPHA:
            return f"not separable from {REFERENCE}"
        return f"{'better' if self.difference.mean > 0 else 'worse'} than {REFERENCE}"

    @property
    def method(self) -> str:
        """The method's name, with that of its wrapper: what rows of different settings share."""
        return method_of(self.runs[0])

    @property
    def specialists(self) -> bool:
        """Whether it trains one model a task: a row for comparison, not one model for all."""
        return self.runs[0].record.method.name == SPECIALIST

    @property
    def static(self) -> bool:
        """Whether it is a point of the sweep of static weights, the reference not included."""
        return self.runs[0].record.method.name == SWEEP


@dataclass(frozen=True)
class Board:
    """All methods of a suite, the largest mean gain first."""

    name: str
    rows: Sequence[Row]
    comparisons: int
    """Rows in the family that the verdicts are corrected for."""
    detectable: float
    """The true difference to the reference that is found 80 % of the time, by itself; infinite if none is."""
    detectable_corrected: float
    """The same after correction for the number of comparisons."""
    noise: Noise | None
    """Where the spread of a difference comes from, pooled over rows."""
    stability: Estimate | None
    """Kendall's tau of the order of rows with the order when seeds are drawn again."""
    pairs: Pairs
    """Corrected p-values between complete rows."""
    frontier: Sequence[Row]
    """Points of the sweep of static weights, the reference included."""
    efficient: Mapping[Currency, Sequence[str]]
    """Labels on the efficient frontier of mean gain against cost, cheapest first; a comparison between rows."""

    @property
    def tasks(self) -> Sequence[TaskResult]:
        """The suite's tasks."""
        return self.rows[0].runs[0].record.tasks

    @property
    def scored(self) -> Sequence[TaskResult]:
        """The tasks that count: the others are diagnostic and enter no mean."""
        return [self.tasks[place] for place in self.rows[0].runs[0].scored]

    @property
    def methods(self) -> int:
        """How many methods there are: settings of one are one method with several rows."""
        return len({row.method for row in self.rows})

    @property
    def seeds(self) -> str:
        """How many seeds a method has, as text: `3` or `1 to 3`."""
        counts = sorted({len(row.runs) for row in self.rows})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"

    def row(self, label: str) -> Row | None:
        """The row of a label."""
        return next((row for row in self.rows if row.label == label), None)

    def differ(self, first: str, second: str) -> bool:
        """Whether the corrected comparison tells two rows apart: as a row's verdict says beside the reference."""
        if REFERENCE in (first, second):
            row = self.row(second if first == REFERENCE else first)
            return row is not None and row.p is not None and row.p <= ALPHA
        return self.pairs.get(frozenset((first, second)), 1.0) <= ALPHA


def static_point(run: Run) -> bool:
    """Whether a run is one of fixed task weights: the reference's, or unequal ones; equal ones are the reference."""
    method = run.record.method
    weights = method.settings.get("weights")
    unequal = isinstance(weights, list) and len(set(map(str, weights))) > 1
    return method.wrapper is None and (method.name == REFERENCE or (method.name == SWEEP and unequal))


def method_of(run: Run) -> str:
    """The name of a run's method, and of its wrapper after an @."""
    method = run.record.method
    return f"{method.name}@{method.wrapper.name}" if method.wrapper else method.name
