"""R10: what is left of a method's choice after the optimizer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from bench.analysis.figures import Cell, Figure, Report, Series, Table
from bench.analysis.reports._methods import described, samples, with_defaults
from bench.analysis.reports._sample import Array, Sample, absent, cells, interval, mean, means
from bench.analysis.runs import Run, group_by_method
from bench.analysis.statistics import Interval
from bench.analysis.text import listing, plural, sentences

KEY, TITLE = "R10", "After the optimizer"
QUESTION = "Does AdamW undo what a method did to the gradient?"
SAME = 0.999
"""A gradient with at least this cosine with the plain mean is the plain mean."""


@dataclass(frozen=True)
class Check:
    """Cosine with the plain mean over prompts, of gradient and of move, [runs] each."""

    sample: Sample
    gradient: Array
    move: Array

    @classmethod
    def of(cls, sample: Sample) -> "Check":
        """Means over each run."""
        gradient, move = (means(sample, name, 1)[:, 0, 0] for name in ("gradient_cosine", "move_cosine"))
        return cls(sample, gradient, move)

    @property
    def before(self) -> float:
        """Mean cosine of the gradient."""
        return float(mean(self.gradient))

    @property
    def after(self) -> float:
        """Mean cosine of the move."""
        return float(mean(self.move))

    @cached_property
    def change(self) -> Interval | None:
        """Move minus gradient, by seed; positive: AdamW brings the update closer to the plain mean."""
        return interval(self.move - self.gradient)

    @property
    def sign(self) -> int:
        """+1 or -1 where the seeds resolve the change, else 0."""
        if self.change is None or self.change.n < 2 or not self.change.excludes_zero:
            return 0
        return 1 if self.change.mean > 0 else -1


def optimizer(runs: Sequence[Run]) -> Report:
    """Cosine of the update with the plain mean, before AdamW and after it, for every method that leaves the mean."""
    groups = group_by_method(runs)
    found = {label: Check.of(sample) for label, sample in samples(groups, "gradient_cosine").items()}
    known = {label: check for label, check in found.items() if not np.isnan([check.before, check.after]).any()}
    apart = {label: check for label, check in known.items() if check.before < SAME}
    lacking = sum(run.done for run in runs) - sum(len(check.sample.runs) for check in known.values())

    if not apart:
        return absent(KEY, TITLE, QUESTION, _why(runs, len(known)))

    note = f"{plural(lacking, 'finished run')} without these curves: left out." if lacking else ""
    shown = with_defaults(groups).keys() & apart.keys() or apart.keys()
    plain = len(known) - len(apart)
    told = {described(label, groups): check for label, check in apart.items() if label in shown}
    table = _table({described(label, groups): check for label, check in apart.items()})
    paths = tuple(path for check in apart.values() for path in check.sample.paths)

    return Report(KEY, TITLE, QUESTION, sentences(_finding(told, plain), note), (_figure(told),), (table,), paths)


def _why(runs: Sequence[Run], known: int) -> str:
    suite = runs[0].record.suite.name if runs else "SUITE"
    remedy = f"`bench run method=pcgrad suite={suite}` makes one."
    if known:
        return f"All {plural(known, 'method')} with these curves take the plain mean over prompts; {remedy}"
    return f"No finished run has the optional curves gradient_cosine and move_cosine; {remedy}"


def _finding(apart: Mapping[str, Check], plain: int) -> str:
    closer, further = ([label for label, check in apart.items() if check.sign == sign] for sign in (1, -1))
    rest = len(apart) - len(closer) - len(further)
    taken = f" ({plural(plain, 'other')} take the mean)" if plain else ""
    return sentences(
        f"Of {plural(len(apart), 'method')} whose gradient is not the plain mean{taken}, AdamW brings the update "
        f"closer to the mean in {len(closer)}, takes it further away in {len(further)}; {rest} not resolved.",
        _most(apart, closer, "Closer", 1),
        _most(apart, further, "Further", -1),
    )


def _most(apart: Mapping[str, Check], labels: Sequence[str], way: str, sign: int) -> str:
    if not labels:
        return ""
    order = sorted(labels, key=lambda label: -sign * (apart[label].after - apart[label].before))[:2]
    told = [f"{label} (cosine {apart[label].before:.2f} to {apart[label].after:.2f})" for label in order]
    return f"{way}{', most of all' if len(order) < len(labels) else ''}: {listing(told)}."


def _figure(apart: Mapping[str, Check]) -> Figure:
    above = sum(check.after > check.before for check in apart.values())
    return Figure(
        key="cosine-to-mean",
        kind="points",
        title="Cosine with the plain mean, before and after AdamW",
        description=(
            "One point a method with default settings, mean over run and seeds: cosine of its gradient with the plain "
            "mean over prompts, and of the moves that AdamW makes of the two from one state. The state's momentum is "
            "in both moves and draws them together."
        ),
        x_label="cosine of the gradients",
        y_label="cosine of the moves",
        diagonal=True,
        series=tuple(Series(label, (check.before,), (check.after,)) for label, check in apart.items()),
        reading=f"{above} of {plural(len(apart), 'method')} lie above the diagonal: AdamW brings them to the mean.",
    )


def _table(apart: Mapping[str, Check]) -> Table:
    rows: list[tuple[Cell, ...]] = [
        (label, len(check.sample.runs), check.before, check.after, *cells(check.change))
        for label, check in apart.items()
    ]
    columns = ("method", "seeds", "cosine of the gradients", "cosine of the moves", "change", "low", "high")
    return Table(
        columns, tuple(rows), "Cosines with the plain mean over prompts; change with its 95 % interval over seeds."
    )
