"""What rules over a store need of each record: a few digests and numbers, so that a large store fits in memory."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import log
from pathlib import Path

from bench.records.rules.record import numbers
from bench.records.schema import Record, Score
from bench.records.store import digest_of

TELLING = 24
"""Different numbers in a curve from which two runs that share it are no accident."""
MOVED = 32
"""Items that training changed, from which two runs with the same outcomes are no accident."""
SMALLEST = 1e-30
"""Stands for zero where a logarithm is taken."""
NUMERIC = ("numpy", "tokenizers", "torch", "transformers", "lm-eval")
"""Packages whose versions can change what a base model samples."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A record in short. label: suite and folder of the method; settled: history has it as it is."""

    path: Path
    suite: str
    label: str
    seed: int
    method: str
    plan: bool
    """Whether the curves are those of several trainings."""
    status: str
    settled: bool
    withdrawn: bool
    shared: tuple[str, ...]
    """Digests of what all runs of a suite share, in the order of `SHARED`; '' where a run need not share it."""
    environment: str
    """What the bits of an evaluation depend on, beside model and suite: versions and hardware."""
    hardware: str
    before: str
    """Outcomes of the base model."""
    after: str
    final: str | None
    gain: float
    speed: float
    """Trained tokens a second."""
    prints: tuple[tuple[str, str], ...]
    """Fingerprints of what no two seeds have in common, by field."""
    base: tuple[int, ...]
    """Outcomes of the base model as bits, by task."""
    sizes: "array[float]"
    """Logarithms of squared norms and of inner products' sizes, window by window; empty where these tell nothing."""
    span: tuple[float, float] | None
    """Start and finish, in seconds since 1970."""

    @property
    def age(self) -> tuple[bool, str, str, int]:
        """A key by which what history has comes first."""
        return not self.settled, self.suite, self.label, self.seed

    @property
    def name(self) -> str:
        """The record's place, in words."""
        return f"{self.suite}/{self.label}/{self.seed}"


SHARED = ("protocol", "tasks", "suite.digest", "model.digest", "model.parameters", "normaliser", "method.tuning")
OWN_NORMALISER = "token weights of "
"""How the normaliser of a method begins that has one of its own."""


def facts_of(path: Path, label: str, record: Record, settled: bool, withdrawn: bool) -> Facts:
    """The facts of a record that was read."""
    packages = {name: record.provenance.packages.get(name) for name in NUMERIC}
    hardware = record.provenance.hardware
    ledger = record.ledger
    return Facts(
        path=path,
        suite=record.suite.name,
        label=label,
        seed=record.seed,
        method=record.method.name,
        plan="RunPlan" in record.method.acts_on,
        status=record.status,
        settled=settled,
        withdrawn=withdrawn,
        shared=tuple(value[:16] for value in _shared(record)),
        environment=digest_of([packages, hardware, record.provenance.threads])[:16],
        hardware=hardware,
        before=digest_of([[task.name, task.before.items] for task in record.tasks])[:16],
        after=digest_of([[task.name, task.after.items if task.after else ""] for task in record.tasks])[:16],
        final=record.model.final_digest,
        gain=record.mean_gain,
        speed=ledger.trained_tokens / ledger.wall_seconds if ledger.wall_seconds else 0.0,
        prints=tuple(_prints(record)),
        base=tuple(int(task.before.items, 16) for task in record.tasks),
        sizes=_sizes(record),
        span=_span(record),
    )


def _shared(record: Record) -> Sequence[str]:
    tasks = [[task.name, task.revision, task.data_hash] for task in record.tasks]
    model = record.model
    own = record.normaliser.startswith(OWN_NORMALISER)
    tuning = record.method.tuning
    suite = tuning.suite if tuning else record.suite.digest
    values = [record.protocol, tasks, suite, model.digest, model.parameters]
    budget = [tuning.trials, tuning.seeds, tuning.items] if tuning else None
    return [*map(digest_of, values), "" if own else digest_of(record.normaliser), digest_of(budget)]


def _prints(record: Record) -> Iterator[tuple[str, str]]:
    """Curves whole, and signs alone: these survive a forger who changes every number a little."""
    curves = record.curves

    for name in ("naive_squared_norm", "gramian", "reward"):
        points = getattr(curves, name)
        if len(set(numbers(points))) >= TELLING:
            yield f"curves.{name}", digest_of(points)[:16]

    # A few signs agree by chance: five times as many as other numbers have to.
    signs = [[value > 0 for value in point] for point in curves.gramian]
    if sum(map(len, signs)) >= 5 * TELLING and len(set(numbers(curves.gramian))) >= TELLING:
        yield "curves.gramian (signs)", digest_of(signs)[:16]

    moved = sum(_moved(task.before, task.after) for task in record.tasks)
    if moved and record.model.final_digest:  # else the model may be the base model, in every seed
        yield "model.final_digest", record.model.final_digest[:16]
    if moved >= MOVED:
        yield "tasks.after", digest_of([[task.name, task.after and task.after.items] for task in record.tasks])[:16]


def _sizes(record: Record) -> "array[float]":
    """A zero has no logarithm: it is as small as the smallest number that a curve may have."""
    curves = record.curves
    points = [*curves.naive_squared_norm, *curves.gramian]
    if len(set(numbers(points))) < TELLING:
        return array("f")
    return array("f", (log(max(abs(value), SMALLEST)) for point in points for value in point))


def _span(record: Record) -> tuple[float, float] | None:
    start = moment_of(record.provenance.started)
    finish = moment_of(record.provenance.finished)
    return None if start is None or finish is None else (start, finish)


def moment_of(text: str) -> float | None:
    """Seconds since 1970; None if the text is no time with its zone."""
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def _moved(before: Score, after: Score | None) -> int:
    """Items whose outcome training changed."""
    return (int(before.items, 16) ^ int(after.items, 16)).bit_count() if after else 0
