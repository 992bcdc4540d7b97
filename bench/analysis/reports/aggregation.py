"""R8: is the loud task loud, or is it the loss? The order of norms under other ways to sum tokens and completions."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.figures import Cell, Figure, Report, Series, Table
from bench.analysis.imbalance import norm_share
from bench.analysis.mismatch import Correlation, spearman
from bench.analysis.reports._methods import described, samples
from bench.analysis.reports._ratio import Ratio, ratio
from bench.analysis.reports._sample import EIGHTHS, Array, Sample, absent, known, louder, mean, means, windows_of
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.text import amount, listing, percent, plural, sentences

KEY, TITLE = "R8", "The loss's normaliser"
QUESTION = "Does the order of the gradients depend on how the loss sums over tokens?"
PER_SEQUENCE = (REFERENCE, "grpo")
"""Methods that stand for the per-sequence mean, the first that has runs."""
OTHERS = ("token_mean", "dr_grpo", "delta_l")


@dataclass(frozen=True)
class Loudness:
    """Squared norms under one normaliser."""

    label: str
    sample: Sample
    by_seed: Array
    """Squared norms over the run, [runs, K]."""
    early: Array
    """Squared norms over the first eighth, [K], where the models have hardly parted."""

    @classmethod
    def of(cls, label: str, sample: Sample) -> "Loudness":
        """The loudness that the curves of a sample show."""
        windows = means(sample, "squared_norm", windows_of(sample, EIGHTHS))
        return cls(label, sample, mean(windows, 1), mean(windows)[0])

    @property
    def order(self) -> list[int]:
        """Measured tasks, the loudest first."""
        level = mean(self.by_seed)
        return sorted(np.flatnonzero(~np.isnan(level)).tolist(), key=lambda task: -level[task])

    @property
    def spread(self) -> Ratio:
        """Loudest over quietest."""
        pair = self.by_seed[:, [self.order[0], self.order[-1]]]
        pair = pair[~np.isnan(pair).any(axis=1)]
        return ratio(pair[:, 0].tolist(), pair[:, 1].tolist()) if len(pair) else Ratio(None, -np.inf, np.inf)

    def agreement(self, other: "Loudness") -> Correlation:
        """Rank correlation of the tasks' norms with those under another normaliser."""
        return spearman(known(mean(self.by_seed)), known(mean(other.by_seed)))


def aggregation(runs: Sequence[Run]) -> Report:
    """Loudness of the tasks under the per-sequence mean and under each method with token weights of its own."""
    groups = group_by_method(run for run in runs if run.record.method.wrapper is None)
    found = samples(groups)
    base = next((Loudness.of(label, found[label]) for label in PER_SEQUENCE if label in found), None)
    others = [Loudness.of(described(label, groups), sample) for label, sample in found.items() if _own_weights(sample)]
    heard = [each for each in others if each.order]
    if base is None or not base.order or not heard:
        return absent(KEY, TITLE, QUESTION, _why(runs, base))

    finding = sentences(*_finding(base, heard), base.sample.note)
    paths = tuple(path for each in (base, *heard) for path in each.sample.paths)
    return Report(KEY, TITLE, QUESTION, finding, (_figure(base, heard),), (_table(base, heard),), paths)


def _own_weights(sample: Sample) -> bool:
    """Whether the loss weighs tokens in a way that is not the per-sequence mean."""
    return sample.runs[0].record.normaliser.startswith("token weights of ")


def _why(runs: Sequence[Run], base: Loudness | None) -> str:
    suite = runs[0].record.suite.name if runs else "SUITE"
    wanted = listing([f"`bench run method={name} suite={suite}`" for name in (OTHERS if base else PER_SEQUENCE[:1])])
    lacking = "another normaliser" if base else "the per-sequence mean"
    return f"No finished run with {lacking} is recorded; {wanted} would show one."


def _finding(base: Loudness, others: Sequence[Loudness]) -> list[str]:
    names = base.sample.tasks
    times = base.spread
    told = f"{amount(times.value)} times as loud as" if times.value else "by a ratio that is not resolved above"
    top, bottom = names[base.order[0]], names[base.order[-1]]
    first = f"Under the per-sequence mean ({base.label}), {top} is loudest, {told} {bottom}."
    turned = sum(bool(flips(base, other)) for other in others)
    last = f"So the order of the tasks depends on the normaliser: it changes under {turned} of {len(others)} others."
    if not turned:
        last = f"So a change of the order is resolved under none of {plural(len(others), 'other normaliser')}."

    return [first, *(_change(base, other) for other in others), last]


def flips(base: Loudness, other: Loudness) -> list[tuple[int, int]]:
    """Pairs of tasks of which the first is louder under one normaliser and quieter under the other, both resolved."""
    tasks = range(len(base.sample.tasks))
    return [(i, j) for i in tasks for j in tasks if louder(base.by_seed, i, j) and louder(other.by_seed, j, i)]


def _change(base: Loudness, other: Loudness) -> str:
    names = base.sample.tasks
    order = other.order
    spread = other.spread
    times = f"{amount(spread.value)} times" if spread.value else "by a ratio that is not resolved"
    share = _shares(other)[order[0]]
    return (
        f"{other.label} {_way(base, other)} ({base.agreement(other)}): {names[order[0]]} is loudest with "
        f"{percent(share or 0)} of the squared norm, {names[order[-1]]} quietest ({times})."
    )


def _way(base: Loudness, other: Loudness) -> str:
    turned = flips(base, other)
    if turned:
        above, below = (base.sample.tasks[task] for task in turned[0])
        return f"reverses the order of {plural(len(turned), 'pair')}, such as {above} and {below}"
    return "keeps the order" if other.order == base.order else "has another order, but no change of it is resolved"


def _shares(each: Loudness) -> list[float | None]:
    return norm_share(known(mean(each.by_seed)))


def _figure(base: Loudness, others: Sequence[Loudness]) -> Figure:
    names = base.sample.tasks
    tops = [f"{names[each.order[0]]} under {each.label}" for each in (base, *others)]
    return Figure(
        key="norm-shares",
        kind="bars",
        title="Share of the squared norm by normaliser",
        description=(
            "Each task's share of the summed squared norms, mean over run and seeds; negative estimates count as 0."
        ),
        x_label="task",
        y_label="share of squared norm",
        series=tuple(Series(each.label, names, tuple(_shares(each))) for each in (base, *others)),
        reading=f"The largest share has {listing(tops)}.",
    )


def _table(base: Loudness, others: Sequence[Loudness]) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for each in (base, *others):
        spread = each.spread
        low, high = (spread.low, spread.high) if spread.bounded else (None, None)
        agreement = base.agreement(each)
        early = spearman(known(base.early), known(each.early))
        order = " > ".join(base.sample.tasks[task] for task in each.order)
        rows.append((each.label, len(each.sample.runs), order, spread.value, low, high, agreement.rho, early.rho))

    caption = (
        "Tasks from loudest to quietest by mean squared norm, the ratio of the two ends with Fieller's 95 % interval "
        f"over seeds, and the rank correlation of the norms with those of {base.label}: over the run, in which each "
        "loss trains its own model, and in its first eighth."
    )
    columns = ("method", "seeds", "order", "ratio", "low", "high", "rho", "rho, first eighth")
    return Table(columns, tuple(rows), caption)
