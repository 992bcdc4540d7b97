"""A signal against the squared norm: inside each task over the run, and between the tasks."""

from dataclasses import dataclass

import numpy as np

from bench.analysis.figures import Cell, Figure, Series, Table
from bench.analysis.mismatch import Correlation, between, spearman, within
from bench.analysis.reports._sample import FINE, Array, Sample, cells, interval, known, mean, means, windows_of
from bench.analysis.statistics import Interval
from bench.analysis.text import capital, ends


@dataclass(frozen=True, slots=True)
class Relation:
    """How a signal and the squared norm go together."""

    noun: str
    sample: Sample
    signal: Array
    """The signal by run, window and task, [runs, windows, K]; the norm has the same shape."""
    norm: Array
    inside: Interval | None
    """Within-task rank correlation, one value a seed; None if nothing varies."""
    among: Correlation
    """Between tasks, of means over run and seeds."""

    @classmethod
    def of(cls, sample: Sample, curve: str, noun: str) -> "Relation":
        """A curve against the squared norm, over the windows of a scatter."""
        windows = windows_of(sample, FINE)
        signal, norm = means(sample, curve, windows), means(sample, "squared_norm", windows)
        by_seed = [within(_groups(x, y)) for x, y in zip(signal, norm, strict=True)]
        inside = interval(np.array(by_seed, dtype=np.float64))
        return cls(noun, sample, signal, norm, inside, between(_groups(mean(signal), mean(norm))))

    @property
    def within_sign(self) -> int:
        """+1 or -1 where the seeds resolve the sign inside tasks, else 0."""
        if self.inside is None or self.inside.n < 2 or not self.inside.excludes_zero:
            return 0
        return 1 if self.inside.mean > 0 else -1

    @property
    def between_sign(self) -> int:
        """+1 or -1 where the order of the tasks' means resolves a sign, else 0."""
        return 0 if not self.among.resolved or self.among.rho is None else 1 if self.among.rho > 0 else -1

    def sentence(self) -> str:
        """Both correlations in words, each as far as it is resolved."""
        return f"{self._within()}; between tasks {self._between()}."

    def figure(self, key: str, x_label: str) -> Figure:
        """One point a task and window, mean over seeds."""
        x, y = mean(self.signal), mean(self.norm)
        tasks = self.sample.tasks
        hidden = int((y <= 0).sum())
        outside = f" {hidden} of {y.size} means are not positive, and not drawn." if hidden else ""
        return Figure(
            key=key,
            kind="points",
            title=f"Squared norm against {self.noun}",
            description=(
                f"One point a task and window of a {len(x)}th of the run, mean over {self.sample.seeds} of "
                f"{self.sample.label}; squared norm on a logarithmic axis."
            ),
            x_label=x_label,
            y_label="squared norm",
            series=tuple(_points(name, x[:, task], y[:, task]) for task, name in enumerate(tasks)),
            log_y=True,
            reading=capital(self.sentence()) + outside,
        )

    def table(self) -> Table:
        """Within each task, over all tasks, and between tasks."""
        rows: list[tuple[Cell, ...]] = [
            (name, *cells(self._alone(task)), None) for task, name in enumerate(self.sample.tasks)
        ]
        rows.append(("within tasks, pooled", *cells(self.inside), None))
        rows.append(("between tasks", self.among.rho, None, None, self.among.p))
        caption = (
            f"Spearman's rank correlation of {self.noun} with the squared norm. Within a task: over "
            f"{self.norm.shape[1]} windows of the run, mean and 95 % interval over {self.sample.seeds}; noise in the "
            f"norm draws it to 0. Between tasks: of {self.among.n} means, with its p over all orders of the tasks."
        )
        return Table(("where", "rho", "low", "high", "p"), tuple(rows), caption)

    def _alone(self, task: int) -> Interval | None:
        pairs = zip(self.signal[:, :, task], self.norm[:, :, task], strict=True)
        rhos = [spearman(known(x), known(y)).rho for x, y in pairs]
        return interval(np.array(rhos, dtype=np.float64))

    def _within(self) -> str:
        if self.inside is None:
            return f"within a task, {self.noun} does not vary enough to say anything"
        told = f"(rho {self.inside.mean:+.2f}{_ends(self.inside)})"
        way = {1: "rises and falls with", -1: "moves against", 0: "is not seen to move with"}[self.within_sign]
        return f"within a task, the squared norm {way} {self.noun} {told}"

    def _between(self) -> str:
        way = {1: "it does so too", -1: "it is the other way round", 0: "no relation is resolved"}
        if self.within_sign < 0:
            way = {1: "it rises with it", -1: "it does so too", 0: way[0]}
        elif self.within_sign == 0:
            way = {1: "it rises with it", -1: "it falls with it", 0: way[0]}
        return f"{way[self.between_sign]} ({self.among})"


def _groups(x: Array, y: Array) -> list[tuple[list[float | None], list[float | None]]]:
    """Pairs of columns by task; both arrays are [windows, K]."""
    return [(known(x[:, task]), known(y[:, task])) for task in range(x.shape[1])]


def _points(label: str, x: Array, y: Array) -> Series:
    both = ~np.isnan(x) & ~np.isnan(y)
    return Series(label, tuple(x[both].tolist()), tuple(y[both].tolist()))


def _ends(found: Interval) -> str:
    return f", 95 % interval {ends(found)}" if found.n > 1 else ", one seed"
