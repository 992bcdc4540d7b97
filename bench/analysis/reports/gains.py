"""R2: whether the loud tasks are those that learn: gain of training reward beside the squared norm, at three times.

Gain at step t is the mean reward of the T/8 steps after t, minus that of the T/8 steps before it, t = T/8, T/2, 7T/8
(arXiv 2510.19178).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from bench.analysis.figures import Figure, Report, Table
from bench.analysis.imbalance import norm_share
from bench.analysis.mismatch import Correlation, gain_share, share_distance, spearman
from bench.analysis.reports._sample import (
    EIGHTHS,
    Array,
    Sample,
    absent,
    cells,
    interval,
    known,
    mean,
    means,
    over_seeds,
)
from bench.analysis.runs import Run
from bench.analysis.text import capital, listing, percent, plural, sentences, signed

KEY, TITLE = "R2", "Learning gain against gradient norm"
QUESTION = "Do the tasks with the largest gradients learn most?"
ORDINALS: Final = ("most", "second most", "third most")
BEFORE: Final = (0, 3, 6)
"""The eighth of the run that ends at T/8, T/2, 7T/8; the gain is the next one minus this one."""


def gains(runs: Sequence[Run]) -> Report:
    """Gain bars of training reward under `uniform`, and their rank correlation with the squared norm."""
    sample = Sample.of(runs, points=EIGHTHS)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)

    reward, norm = (means(sample, name, EIGHTHS) for name in ("reward", "squared_norm"))
    gain = np.stack([reward[:, place + 1] - reward[:, place] for place in BEFORE], axis=1)
    around = np.stack([mean(norm[:, [place, place + 1]], 1) for place in BEFORE], axis=1)
    found = [spearman(known(mean(around)[at]), known(mean(gain)[at])) for at in range(len(BEFORE))]
    finding = sentences(_finding(sample, gain, around, found), _held_out(sample), sample.note)
    tables = (_correlations(sample, gain, around, found), _values(sample, gain, around))

    return Report(KEY, TITLE, QUESTION, finding, (_figure(sample, gain),), tables, sample.paths)


@dataclass(frozen=True, slots=True)
class Place:
    """How the loudest task gained at one time, among the tasks with both values."""

    task: int
    gain: float
    above: int
    """Tasks that gained more."""
    ties: int
    size: int
    apart: bool
    """Whether the seeds tell its gain from the mean of the others."""

    @property
    def most(self) -> bool:
        """Whether no other gained as much."""
        return self.above + self.ties == 0

    @property
    def least(self) -> bool:
        """Whether all others gained more."""
        return self.above == self.size - 1

    @classmethod
    def of(cls, gain: Array, norm: Array) -> "Place | None":
        """The place in gains and norms, [runs, K] each; None if fewer than two tasks have both."""
        level, gained = mean(norm), mean(gain)
        both = np.flatnonzero(~np.isnan(level) & ~np.isnan(gained))
        if len(both) < 2:
            return None

        # The others' mean is compared within each seed, so that what a seed does to all tasks cancels.
        loud = int(both[np.argmax(level[both])])
        gap = interval(gain[:, loud] - mean(np.delete(gain, loud, axis=1), 1))
        above, ties = int((gained[both] > gained[loud]).sum()), int((gained[both] == gained[loud]).sum()) - 1
        apart = gap is not None and gap.n > 1 and gap.excludes_zero

        return cls(loud, float(gained[loud]), above, ties, len(both), apart)


def _finding(sample: Sample, gain: Array, norm: Array, found: Sequence[Correlation]) -> str:
    start = f"Under {sample.label} ({sample.seeds}),"
    places = [Place.of(gain[:, at], norm[:, at]) for at in range(len(BEFORE))]
    told = [_at(sample, at, place, found[at]) for at, place in enumerate(places) if place]
    if not told:
        return f"{start} nothing can be said: fewer than two tasks were measured."
    return f"{start} {_verdict([place for place in places if place], found)} {capital(listing(told))}."


def _at(sample: Sample, at: int, place: Place, found: Correlation) -> str:
    told = "" if place.apart else ", not separable from the mean of the others"
    return (
        f"at step {_step(sample, at):g} the loudest, {sample.tasks[place.task]}, gained {signed(place.gain)}, "
        f"{_ordinal(place)}{told} ({found})"
    )


def _ordinal(place: Place) -> str:
    """How a task stands among the others: `most`, `second most`, `4th of 5`, `least`, or as much as some."""
    if place.ties:
        return f"as much as {plural(place.ties, 'other')}"
    if place.least:
        return "least"
    return ORDINALS[place.above] if place.above < len(ORDINALS) else f"{place.above + 1}th of {place.size}"


def _verdict(places: Sequence[Place], found: Sequence[Correlation]) -> str:
    most, least, apart = (sum(flags) for flags in zip(*((p.most, p.least, p.apart) for p in places), strict=True))
    times = len(BEFORE)
    told = (
        f"the loudest task gained most at {most} of {times} times and least at {least}; its gain can be "
        f"distinguished from the mean of the others at {apart}. "
    )
    resolved = [each.rho > 0 for each in found if each.resolved and each.rho is not None]
    if not resolved:
        return told + f"At no time is a rank correlation of gain with squared norm resolved{_weak(places[0].size)}."

    way = "loud tasks gain more" if all(resolved) else "both ways" if any(resolved) else "loud tasks gain less"
    return told + f"A rank correlation is resolved at {len(resolved)} of {times} times: {way}."


def _weak(tasks: int) -> str:
    """What so few tasks can resolve at all: with 4, even a perfect order has p = 2 / 24."""
    if tasks > 6:
        return ""
    return f" (with {plural(tasks, 'task')} {'none' if tasks < 5 else 'only an almost perfect order'} could be)"


def _held_out(sample: Sample) -> str:
    """Norm and gain over the whole run, with the gain on held-out items."""
    if len(sample.tasks) < 2:
        return ""

    norm = known(mean(means(sample, "squared_norm", 1), (0, 1)))
    gain = mean(np.array([run.gains for run in sample.runs])).tolist()
    apart = share_distance(norm_share(norm), gain_share(gain))
    over = f"Over the whole run, squared norm against held-out gain: {spearman(norm, gain)}"

    if apart is None:
        return f"{over}."

    return f"{over}; the tasks' shares of the norm and of the gain differ by {percent(apart)} (total variation)."


def _step(sample: Sample, at: int) -> float:
    return sample.steps * (BEFORE[at] + 1) / EIGHTHS


def _figure(sample: Sample, gain: Array) -> Figure:
    top = [sample.tasks[int(np.nanargmax(row))] for row in mean(gain) if not np.isnan(row).all()]
    times = [f"{_step(sample, at):g}" for at in range(len(BEFORE))]
    return Figure(
        key="learning-gain",
        kind="bars",
        title="Learning gain of each task at three times",
        description=(
            f"Mean training reward of the {sample.steps / EIGHTHS:g} steps after a step minus that of as many before "
            f"it, under {sample.label}, mean over {sample.seeds} with 95 % intervals over seeds."
        ),
        x_label="task",
        y_label="gain",
        series=tuple(over_seeds(f"step {time}", sample.tasks, gain[:, at]) for at, time in enumerate(times)),
        reading=f"The largest gain is that of {', then '.join(top)}." if top else "No gain is known.",
    )


def _correlations(sample: Sample, gain: Array, norm: Array, found: Sequence[Correlation]) -> Table:
    rows = []
    for at, each in enumerate(found):
        rhos = [spearman(known(n), known(g)).rho for n, g in zip(norm[:, at], gain[:, at], strict=True)]
        over = interval(np.array(rhos, dtype=np.float64))
        rows.append((_step(sample, at), each.rho, each.n, each.p, *cells(over)))

    columns = ("step", "rho", "tasks", "p", "rho by seed, mean", "low", "high")
    return Table(
        columns,
        tuple(rows),
        "Spearman's rank correlation over tasks of squared norm with gain around a step: of the means over seeds, with "
        "its p over all orders of the tasks; and within each seed, mean and 95 % interval.",
    )


def _values(sample: Sample, gain: Array, norm: Array) -> Table:
    rows = []
    for at in range(len(BEFORE)):
        for task, name in enumerate(sample.tasks):
            over = interval(gain[:, at, task])
            level = float(mean(norm)[at, task])
            spent = level * 2 * sample.steps / EIGHTHS
            rows.append(
                (
                    _step(sample, at),
                    name,
                    *cells(over),
                    None if np.isnan(level) else level,
                    over.mean / spent if over and spent > 0 else None,
                )
            )

    columns = ("step", "task", "gain", "low", "high", "squared norm", "gain per squared norm")
    caption = (
        "Gain with its 95 % interval over seeds, and mean squared norm around a step. Gain per squared norm: gain over "
        "the norms summed over the window; empty where that sum is not positive."
    )
    return Table(columns, tuple(rows), caption)
