"""R9: which tasks pull in one direction and which against each other, without the noise that hides both."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.analysis.figures import Cell, Figure, Report, Series, Table
from bench.analysis.imbalance import conflict_rate, task_pairs
from bench.analysis.reports._sample import Array, Sample, absent, cells, interval, mean, step_weights, table_of
from bench.analysis.runs import Run
from bench.analysis.statistics import Interval
from bench.analysis.text import listing, percent, sentences

KEY, TITLE = "R9", "Conflicts between tasks"
QUESTION = "Do the tasks' gradients point against each other?"
CHANCE = 0.5
"""Conflict incidence of unrelated noisy gradients."""


@dataclass(frozen=True)
class Pair:
    """Two tasks: inner product and both squared norms, by seed, over the windows in which both were measured."""

    first: str
    second: str
    means: Array
    """Means by run, [runs, 3]; NaN for a run in which they never met."""
    against: Array
    """Share of steps with a negative inner product, [runs]."""

    @cached_property
    def product(self) -> Interval | None:
        """Mean inner product over seeds."""
        return interval(self.means[:, 0])

    @cached_property
    def cosine(self) -> float | None:
        """Debiased: mean inner product over the root of the product of mean squared norms."""
        inner, first, second = mean(self.means)
        return float(inner / (np.sqrt(first) * np.sqrt(second))) if first > 0 and second > 0 else None

    @property
    def sign(self) -> int:
        """+1 or -1 where the seeds resolve the sign of the inner product, else 0."""
        if self.product is None or self.product.n < 2 or not self.product.excludes_zero:
            return 0
        return 1 if self.product.mean > 0 else -1


def conflicts(runs: Sequence[Run]) -> Report:
    """Debiased cosines of the task gradients under `uniform`, and how often they oppose each other."""
    sample = Sample.of(runs)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)
    if len(sample.tasks) < 2:
        return absent(KEY, TITLE, QUESTION, "The suite has one task; a conflict needs two.")

    pairs = [_pair(sample, number) for number in range(len(task_pairs(len(sample.tasks))))]
    rates = interval(np.array([conflict_rate(run.record.curves) for run in sample.runs], dtype=np.float64))
    if rates is None:
        return absent(KEY, TITLE, QUESTION, "No two tasks were measured in one step.")

    finding = sentences(_finding(sample, pairs), _incidence(rates), sample.note)
    return Report(KEY, TITLE, QUESTION, finding, (_figure(sample, pairs),), (_table(pairs),), sample.paths)


def _pair(sample: Sample, number: int) -> Pair:
    i, j = task_pairs(len(sample.tasks))[number]
    met = [_met(run, number, i, j) for run in sample.runs]
    return Pair(sample.tasks[i], sample.tasks[j], np.stack([row[:3] for row in met]), np.array([row[3] for row in met]))


def _met(run: Run, number: int, i: int, j: int) -> Array:
    """Mean inner product, both mean squared norms, share of opposing steps; of one run."""
    norms = table_of(run, "squared_norm")
    inner = table_of(run, "gramian")
    steps = step_weights(run)
    both = ~np.isnan(norms[:, [i, j]]).any(axis=1)
    if not both.any():
        return np.full(4, np.nan)

    weights = steps[both] / steps[both].sum()
    columns = (inner[both, number], norms[both, i], norms[both, j], inner[both, number] < 0)
    return np.array([weights @ column for column in columns])


def _finding(sample: Sample, pairs: Sequence[Pair]) -> str:
    start = f"Under {sample.label} ({sample.seeds}), of {len(pairs)} pairs of tasks"
    agree, oppose = ([pair for pair in pairs if pair.sign == sign] for sign in (1, -1))

    if len(pairs) == 1:
        start = f"Under {sample.label} ({sample.seeds})"
        only = pairs[0]
        way = {
            1: "pull in one direction",
            -1: "pull against each other",
            0: "do neither as far as seeds can tell",
        }
        return f"{start}, {only.first} and {only.second} {way[only.sign]}{_cosine(only)}."

    rest = len(pairs) - len(agree) - len(oppose)
    told = f"{start}, {len(agree)} pull in one direction, {len(oppose)} against each other; {rest} are not resolved."
    return sentences(told, _named(agree, "Together"), _named(oppose, "Against each other"))


def _named(pairs: Sequence[Pair], how: str) -> str:
    order = sorted(pairs, key=lambda pair: -abs(pair.cosine or 0))[:3]
    most = ", most of all" if len(order) < len(pairs) else ""
    return (
        f"{how}{most}: {listing([f'{pair.first} with {pair.second}{_cosine(pair)}' for pair in order])}."
        if order
        else ""
    )


def _cosine(pair: Pair) -> str:
    return " (cosine not resolved)" if pair.cosine is None else f" (cosine {pair.cosine:+.2f})"


def _incidence(rates: Interval) -> str:
    told = f"Conflict incidence is {percent(rates.mean)}"
    if rates.n < 2:
        return f"{told} of pairs and steps in one seed; unrelated gradients give 50 %."

    low, high = percent(max(0.0, rates.low)), percent(min(1.0, rates.high))
    apart = rates.low > CHANCE or rates.high < CHANCE
    way = ("more than" if rates.mean > CHANCE else "less than") if apart else "not separable from"

    return f"{told} of pairs and steps (95 % interval {low} to {high}), {way} the 50 % of unrelated gradients."


def _figure(sample: Sample, pairs: Sequence[Pair]) -> Figure:
    found = {frozenset((pair.first, pair.second)): pair.cosine for pair in pairs}
    known = [(cosine, sorted(names)) for names, cosine in found.items() if cosine is not None]
    rows = [
        Series(
            name,
            sample.tasks,
            tuple(1.0 if other == name else found[frozenset((name, other))] for other in sample.tasks),
        )
        for name in sample.tasks
    ]
    blank = f" {len(pairs) - len(known)} are not resolved." if len(known) < len(pairs) else ""
    reading = "No cosine is resolved."
    if known:
        (low, least), (high, most) = min(known), max(known)
        reading = f"Largest: {high:+.2f} ({listing(most)}); smallest: {low:+.2f} ({listing(least)}).{blank}"

    return Figure(
        key="cosines",
        kind="matrix",
        title="Cosine of the task gradients",
        description=(
            f"Debiased: mean inner product over the root of the mean unbiased squared norms, over the run and "
            f"{sample.seeds} of {sample.label}. Noise does not draw it to 0, but it may by chance lie outside [-1, 1]."
        ),
        x_label="task",
        y_label="task",
        series=tuple(rows),
        reading=reading,
    )


def _table(pairs: Sequence[Pair]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (pair.first, pair.second, pair.cosine, *cells(pair.product), cells(interval(pair.against))[0]) for pair in pairs
    ]
    caption = (
        "Debiased cosine, mean inner product with its 95 % interval over seeds, and the share of steps in which it is "
        "negative. A sign is resolved where the interval excludes 0."
    )
    columns = ("task", "other task", "cosine", "inner product", "low", "high", "share of steps opposed")
    return Table(columns, tuple(rows), caption)
