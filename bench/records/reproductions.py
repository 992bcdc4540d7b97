"""Reproductions: what came out when a recorded run was made again, and by which rule the two agree.

The rule, fixed before any rerun. Two runs of one identity share their outcome digest on the same packages and
hardware: bitwise. Elsewhere the last bits differ, the model samples other completions, and the rerun is at worst as far
away as a run of another seed. It is within tolerance if it ended in the same status and no difference is larger than

    z sqrt(2 v)        v = max(p (1 - p) / n, s^2) for a task's score after training: n items, p the mean of the two,
                       v = p (1 - p) / n for a score before training, which no seed changes,
                       v = s^2 for the mean gain over tasks.

s is the standard deviation between seeds within a method, pooled over all methods of the suite that are done with
two or more seeds; without any, v of the mean gain is that of its tasks' scores, as if they were independent. z is the
normal quantile at which all 2 K + 1 differences of an honest rerun stay within together with a probability of at least
99 % (Bonferroni). Pooling over methods gives s enough degrees of freedom for that: five seeds of one method would not.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import NormalDist, fmean
from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from bench.records.fields import Digest, Finite, Frozen, Name, Positive, Status, Text
from bench.records.schema import Provenance, Record, Score
from bench.records.store import EXACT, digest_of

SCHEMA_VERSION: Final = 1
LEVEL = 0.99
"""With this probability an honest rerun is within tolerance in everything."""
ROUNDING = 1e-12
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+~@-]{0,149}(/[A-Za-z0-9][A-Za-z0-9_.+~@-]{0,149})?$")]
"""A method's folder in a store: `pcgrad`, `static+0a09563d`, `uniform@eg`, `torchjd/UPGrad`."""
Verdict = Literal["bitwise", "within tolerance", "not reproduced"]


class Compared(Frozen):
    """A number as recorded and as it came out again, in [-1, 1], and how far the two may be apart."""

    recorded: Finite
    again: Finite
    tolerance: Positive

    @property
    def within(self) -> bool:
        """Whether the two agree."""
        return abs(self.again - self.recorded) <= self.tolerance + ROUNDING


class TaskAgain(Frozen):
    """One task: held-out mean rewards before and after training."""

    name: Name
    before: Compared
    after: Compared | None
    """None if one of the two runs was not evaluated."""


class Differing(Frozen):
    """Something in which the two environments differ."""

    what: Text
    recorded: Text
    again: Text


class Reproduction(Frozen):
    """A rerun of a recorded run, beside what the record says."""

    schema_version: Literal[1] = SCHEMA_VERSION
    suite: Name
    method: Label
    """The method's folder in the store."""
    seed: int = Field(ge=0)
    identity: Digest
    """The identity of both runs."""
    recorded_outcome: Digest
    outcome: Digest
    """Outcome digests: equal for a bitwise reproduction."""
    recorded_status: Status
    status: Status
    verdict: Verdict
    mean_gain: Compared
    tasks: list[TaskAgain] = Field(min_length=1, max_length=64)
    differences: list[Differing] = Field(max_length=64)
    provenance: Provenance
    """Provenance of the rerun, with its harness version and times."""

    @property
    def due(self) -> Verdict:
        """The verdict that follows from the numbers."""
        if self.outcome == self.recorded_outcome:
            return "bitwise"
        pairs = [self.mean_gain, *(pair for task in self.tasks for pair in (task.before, task.after) if pair)]
        alike = self.status == self.recorded_status and all(pair.within for pair in pairs)
        return "within tolerance" if alike else "not reproduced"

    @model_validator(mode="after")
    def _verdict_follows(self) -> Self:
        if self.verdict != self.due:
            raise ValueError(f"verdict is {self.verdict!r}, the numbers give {self.due!r}")
        return self


@dataclass(frozen=True, slots=True)
class Spread:
    """Standard deviations between the seeds of a method, pooled over a suite's methods; None where none has two."""

    gain: float | None = None
    tasks: Mapping[str, float] = field(default_factory=dict)


def spread(records: Iterable[Record]) -> Spread:
    """The spread between seeds of one suite's runs; those that are not done are left out."""
    groups: dict[str, list[Record]] = {}

    for record in records:
        if record.status == "done":
            groups.setdefault(_method(record), []).append(record)

    # One seed alone says nothing of the spread between seeds.
    members = [group for group in groups.values() if len(group) > 1]
    if not members:
        return Spread()

    names = [task.name for task in members[0][0].tasks]
    tasks = {name: _pooled([[_after(record, name) for record in group] for group in members]) for name in names}
    return Spread(_pooled([[record.mean_gain for record in group] for group in members]), tasks)


def compare(record: Record, again: Record, label: str, between: Spread) -> Reproduction:
    """The reproduction of a record by a rerun of the same identity. ValueError for another identity.

    label: the method's folder in the store; between: the spread of the suite's runs.
    """
    if record.identity != again.identity:
        raise ValueError(f"{record.identity[:12]} and {again.identity[:12]} are different runs")
    draft: dict[str, Any] = {
        "suite": record.suite.name,
        "method": label,
        "seed": record.seed,
        "identity": record.identity,
        "recorded_outcome": record.outcome_digest,
        "outcome": again.outcome_digest,
        "recorded_status": record.status,
        "status": again.status,
        "differences": list(environment(record.provenance, again.provenance)),
        "provenance": again.provenance,
        **figures(record, again, between),
    }
    due = Reproduction.model_construct(verdict="not reproduced", **draft).due
    return Reproduction(verdict=due, **draft)


def figures(record: Record, again: Record, between: Spread) -> dict[str, Any]:
    """`mean_gain` and `tasks` of a reproduction: every figure of two runs on the same tasks, with its tolerance."""
    count = len(record.tasks)
    z = NormalDist().inv_cdf(1 - (1 - LEVEL) / 2 / (2 * count + 1))
    tasks = list[TaskAgain]()
    noise = 0.0

    for one, other in zip(record.tasks, again.tasks, strict=True):
        before = _compared(one.before, other.before, 0.0, z)
        after = None
        if one.after and other.after:
            apart = between.tasks.get(one.name, 0.0)
            after = _compared(one.after, other.after, apart, z)
            noise += (after.tolerance / count) ** 2
        tasks.append(TaskAgain(name=one.name, before=before, after=after))

    tolerance = math.sqrt(noise) if between.gain is None else z * math.sqrt(2) * between.gain
    gain = Compared(recorded=record.mean_gain, again=again.mean_gain, tolerance=tolerance)
    return {"mean_gain": gain, "tasks": tasks}


def environment(recorded: Provenance, again: Provenance) -> Iterator[Differing]:
    """What of two environments can explain different numbers: code, packages, hardware, threads."""
    for name in ("harness_version", "commit", "dirty", "python", "platform", "hardware", "threads", "processes"):
        yield from _differing(name, getattr(recorded, name), getattr(again, name))
    for package in sorted(recorded.packages.keys() | again.packages.keys()):
        versions = (found.packages.get(package, "not installed") for found in (recorded, again))
        yield from _differing(package, *versions)


def _method(record: Record) -> str:
    """A method with its settings and its wrapper, whatever the seed."""
    used = record.method.model_dump(mode="json")
    return digest_of([[part[key] for key in EXACT] for part in (used, used["wrapper"]) if part])


def _after(record: Record, name: str) -> float:
    return next(task.after.mean if task.after else 0.0 for task in record.tasks if task.name == name)


def _pooled(groups: Sequence[Sequence[float]]) -> float:
    """Standard deviation within groups, over their n - 1 degrees of freedom each."""
    squares = sum((value - fmean(group)) ** 2 for group in groups for value in group)
    return math.sqrt(squares / sum(len(group) - 1 for group in groups))


def _compared(recorded: Score, again: Score, apart: float, z: float) -> Compared:
    """Samples of one item are not independent: the tolerance is that of as many items with one sample each."""
    p = (recorded.mean + again.mean) / 2
    tolerance = z * math.sqrt(2 * max(p * (1 - p) / recorded.count, apart**2))
    return Compared(recorded=recorded.mean, again=again.mean, tolerance=tolerance)


def _differing(what: str, recorded: object, again: object) -> Iterator[Differing]:
    if recorded != again:
        yield Differing(what=what, recorded=str(recorded), again=str(again))
