"""The runs of a method that a report is computed from, and their curves on one grid of equal windows."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from bench.analysis.figures import Report, Series
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.statistics import Interval, t_interval
from bench.analysis.text import plural
from bench.errors import UserError

EIGHTHS: Final = 8
"""Windows of one eighth of the run, as the reference paper's gains are measured in."""
FINE: Final = 20
"""Windows of a curve or scatter: about as many points a task as the paper shows."""
LARGEST: Final = 1e50
"""Far above the squared norm of any float32 gradient; fourth powers of such numbers stay finite."""
SMALLEST: Final = 1e-50
"""What is nearer to 0 is 0, so that no quotient of two signals overflows."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Sample:
    """Runs of one method: those that count, and how many do not."""

    label: str
    suite: str
    runs: tuple[Run, ...]
    """Done, with at least one point of every curve that is asked for; by seed."""
    unfinished: int = 0
    short: int = 0
    """Runs whose curves lack what is asked for."""

    @classmethod
    def of(cls, runs: Sequence[Run], label: str = REFERENCE, points: int = 1, curve: str = "steps") -> "Sample":
        """The runs with a label; points: the fewest that their curve must have."""
        mine = sorted((run for run in runs if run.label == label), key=lambda run: run.record.seed)
        done = [run for run in mine if run.done]
        usable = tuple(run for run in done if len(getattr(run.record.curves, curve)) >= points)
        suite = runs[0].record.suite.name if runs else "SUITE"
        return cls(label, suite, usable, len(mine) - len(done), len(done) - len(usable))

    @property
    def tasks(self) -> tuple[str, ...]:
        """Names of the tasks, [K]."""
        return self.runs[0].tasks

    @property
    def steps(self) -> int:
        """Last step of the longest run."""
        return max(run.record.curves.steps[-1] for run in self.runs)

    @property
    def paths(self) -> tuple[Path, ...]:
        """The record files."""
        return tuple(run.path for run in self.runs)

    @property
    def seeds(self) -> str:
        """`3 seeds`."""
        return plural(len(self.runs), "seed")

    @property
    def note(self) -> str:
        """What was left out, as a sentence; empty if nothing was."""
        parts = [f"{self.unfinished} did not finish"] if self.unfinished else []
        parts += [f"{self.short} have too few points"] if self.short > 1 else []
        parts += ["1 has too few points"] if self.short == 1 else []
        total = len(self.runs) + self.unfinished + self.short
        return f"Left out: of {plural(total, 'run')} of {self.label}, {' and '.join(parts)}." if parts else ""

    @property
    def why_empty(self) -> str:
        """Why no run counts, and what would change it."""
        command = f"`bench run method={self.label} suite={self.suite}`"
        if not self.unfinished and not self.short:
            return f"No run of {self.label} is recorded; {command} makes one."
        longer = " with longer curves" if self.short else ""
        return f"{self.note} A finished run{longer} would show it; {command} makes one."


def absent(key: str, title: str, question: str, why: str) -> Report:
    """A report with nothing to show."""
    return Report(key, title, question, "", missing=why)


def means(sample: Sample, name: str, windows: int) -> Array:
    """A curve over tasks as [runs, windows, K]: means over equal parts of each run, NaN where nothing is known."""
    return np.stack([_windowed(run, name, windows) for run in sample.runs])


def windows_of(sample: Sample, most: int) -> int:
    """Windows that every run's curves can fill: `most`, or as many as the shortest has points."""
    return min(most, *(len(run.record.curves.steps) for run in sample.runs))


def centres(sample: Sample, windows: int) -> tuple[float, ...]:
    """The step in the middle of each window."""
    return tuple(sample.steps * (window + 0.5) / windows for window in range(windows))


def mean(values: Array, axis: int | tuple[int, ...] = 0) -> Array:
    """Mean over the known values, NaN where none is."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing is NaN here, and None on the page
        return np.asarray(np.nanmean(values, axis=axis), dtype=np.float64)


def known(values: Array) -> list[float | None]:
    """A list with None for NaN."""
    return [None if np.isnan(value) else float(value) for value in values]


def interval(values: Array) -> Interval | None:
    """The interval over seeds of the known values, [runs]; None if there is none."""
    data = values[~np.isnan(values)]
    return t_interval(data.tolist()) if len(data) else None


def louder(values: Array, first: int, second: int) -> bool:
    """Whether the seeds tell that one task's value is above another's; values: [runs, K]."""
    gap = interval(values[:, first] - values[:, second])
    return gap is not None and gap.n > 1 and gap.low > 0


def cells(found: Interval | None) -> tuple[float | None, float | None, float | None]:
    """Mean, low and high for a table; no ends for a single seed."""
    if found is None:
        return None, None, None
    return (found.mean, found.low, found.high) if found.n > 1 else (found.mean, None, None)


def over_seeds(label: str, x: Sequence[float | str], values: Array) -> Series:
    """Mean and 95 % interval of values [runs, n] at n positions; a position of one run has no interval."""
    columns = [cells(interval(values[:, place])) for place in range(values.shape[1])]
    y, low, high = zip(*columns, strict=True)
    return Series(label, tuple(x), y, low, high) if any(end is not None for end in low) else Series(label, tuple(x), y)


def table_of(run: Run, name: str) -> Array:
    """A curve of a run as it is, [points, columns], NaN for None. UserError for a number no gradient can have."""
    points = getattr(run.record.curves, name)
    values = np.array(points, dtype=np.float64).reshape(len(points), -1)
    if (np.abs(values) > LARGEST).any():
        raise UserError(f"{run.path}: field curves.{name}: has a number beyond {LARGEST:g}. Run it again.")
    return np.where(np.abs(values) < SMALLEST, 0.0, values)


def step_weights(run: Run) -> Array:
    """Steps of each point of a run's curves, [points]."""
    ends: Array = np.array([0, *run.record.curves.steps], dtype=np.float64)
    return ends[1:] - ends[:-1]


def _windowed(run: Run, name: str, windows: int) -> Array:
    """A curve on equal windows, [windows, K]: a point spreads over its steps, a window averages what lies in it."""
    values = table_of(run, name)
    ends = np.array([0, *run.record.curves.steps], dtype=np.float64)
    edges = np.linspace(0, ends[-1], windows + 1)
    overlap = np.minimum(edges[1:, None], ends[None, 1:]) - np.maximum(edges[:-1, None], ends[None, :-1])
    overlap = np.clip(overlap, 0, None)
    there = ~np.isnan(values)
    mass = overlap @ there
    windowed: Array = np.full(mass.shape, np.nan)
    np.divide(overlap @ np.where(there, values, 0), mass, out=windowed, where=mass > 0)

    return windowed
