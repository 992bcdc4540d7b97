"""R1: how unequal the tasks' squared gradient norms are, over the run and pair by pair."""

from collections.abc import Sequence

import numpy as np

from bench.analysis.figures import Figure, Report, Table
from bench.analysis.imbalance import effective_tasks
from bench.analysis.reports._ratio import ratio
from bench.analysis.reports._sample import (
    EIGHTHS,
    Array,
    Sample,
    absent,
    centres,
    known,
    louder,
    mean,
    means,
    over_seeds,
    windows_of,
)
from bench.analysis.runs import Run
from bench.analysis.text import amount, listing, sentences

KEY, TITLE = "R1", "Squared gradient norms"
QUESTION = "How unequal are the gradients of the tasks when nothing balances them?"


def norms(runs: Sequence[Run]) -> Report:
    """Curves of the unbiased squared norm under `uniform`, and the imbalance ratio of every pair."""
    sample = Sample.of(runs)
    if not sample.runs:
        return absent(KEY, TITLE, QUESTION, sample.why_empty)

    values = means(sample, "squared_norm", windows_of(sample, EIGHTHS))
    order = _order(values)
    if not order:
        return absent(KEY, TITLE, QUESTION, "No task was measured: a squared norm needs two prompts a task and step.")

    finding = sentences(_finding(sample, values, order), _through_time(values, order), sample.note)
    return Report(
        KEY, TITLE, QUESTION, finding, (_figure(sample, values, order),), (_pairs(sample, values, order),), sample.paths
    )


def _order(values: Array) -> list[int]:
    """Measured tasks, the loudest first."""
    level = mean(values, (0, 1))
    return sorted(np.flatnonzero(~np.isnan(level)).tolist(), key=lambda task: -level[task])


def _finding(sample: Sample, values: Array, order: list[int]) -> str:
    per_run = mean(values, 1)
    names = sample.tasks
    loud, quiet = order[0], order[-1]
    start = f"Under {sample.label} ({sample.seeds})"

    if len(order) == 1:
        return f"{start}, only {names[loud]} was measured."

    pair = per_run[~np.isnan(per_run[:, [loud, quiet]]).any(axis=1)]
    times = ratio(pair[:, loud].tolist(), pair[:, quiet].tolist())
    if times.value is None:
        return (
            f"{start}, {names[loud]} was the loudest task; the squared norm of the quietest, {names[quiet]}, cannot be "
            "distinguished from zero, so the ratio is not resolved."
        )

    among = effective_tasks(known(mean(per_run)))
    return (
        f"{start}, the loudest task, {names[loud]}, had {amount(times.value)} times the squared norm of the quietest, "
        f"{names[quiet]}{_range(times.low, times.high, len(pair))}. {_rivals(names, per_run, order)}"
        f"In squared norm, {len(names)} tasks weigh as much as {amount(among or 1)} equal ones."
    )


def _range(low: float, high: float, seeds: int) -> str:
    if np.isfinite([low, high]).all():
        return f" (95 % interval over seeds {amount(low)} to {amount(high)})"
    return " (one seed, so no interval)" if seeds == 1 else " (the seeds differ too much to bound this ratio)"


def _rivals(names: Sequence[str], per_run: Array, order: list[int]) -> str:
    """Names the tasks that may be as loud as the loudest, if the seeds can say so."""
    if len(per_run) < 2:
        return ""

    close = [names[task] for task in order[1:] if not louder(per_run, order[0], task)]
    if not close:
        return ""

    return f"Whether {listing(close)} {'is' if len(close) == 1 else 'are'} quieter is not resolved. "


def _through_time(values: Array, order: list[int]) -> str:
    """Whether the loudest task stays the loudest."""
    level = mean(values)
    if len(order) < 2 or len(level) < 2 or np.isnan(level).all(axis=1).any():
        return ""

    loudest = [int(np.nanargmax(window)) for window in level]
    first = sum(task == order[0] for task in loudest)
    return f"It was the loudest in {first} of {len(loudest)} equal parts of the run."


def _figure(sample: Sample, values: Array, order: list[int]) -> Figure:
    x = centres(sample, values.shape[1])
    level = mean(values)
    ends = [amount(each) for each in known(level[[0, -1], order[0]]) if each is not None]
    moved = f", from {ends[0]} at the start to {ends[1]} at the end" if len(ends) == 2 else ""
    below = int((level <= 0).sum())
    hidden = f" {below} of {level.size} means are not positive, and not drawn." if below else ""

    return Figure(
        key="squared-norms",
        kind="lines",
        title="Squared gradient norm of each task",
        description=(
            f"Unbiased estimate of the squared gradient norm under {sample.label}, mean over {sample.seeds} and over "
            f"each {_part(values.shape[1])} of the run, with 95 % intervals over seeds; logarithmic."
        ),
        x_label="step",
        y_label="squared norm",
        series=tuple(over_seeds(sample.tasks[task], x, values[:, :, task]) for task in order),
        log_y=True,
        reading=f"The top line is {sample.tasks[order[0]]}{moved}.{hidden}",
    )


def _part(windows: int) -> str:
    return "eighth" if windows == EIGHTHS else f"of {windows} equal parts"


def _pairs(sample: Sample, values: Array, order: list[int]) -> Table:
    rows = [
        (sample.tasks[j], sample.tasks[k], *_ratios(values[:, :, [j, k]]))
        for place, j in enumerate(order)
        for k in order[place + 1 :]
    ]
    caption = (
        "Imbalance ratio of squared norms, averaged over seeds and window before dividing. first: the first window; "
        "mean: of the means over the run, with Fieller's 95 % interval over seeds; largest: over the windows whose "
        "smaller norm is positive, and drawn up by noise. Empty: not resolved, as the smaller norm is not positive."
    )
    columns = ("louder", "quieter", "first", "mean", "mean, low", "mean, high", "largest", "windows resolved")
    return Table(columns, tuple(rows), caption)


def _ratios(values: Array) -> tuple[float | str | None, ...]:
    """The ratios of two tasks, from their values [runs, windows, 2]."""
    level = mean(values)
    per_run = mean(values, 1)
    per_run = per_run[~np.isnan(per_run).any(axis=1)]
    overall = ratio(per_run[:, 0].tolist(), per_run[:, 1].tolist()) if len(per_run) else None
    each = [float(top / bottom) for top, bottom in level if bottom > 0 and not np.isnan(top)]
    first = float(level[0, 0] / level[0, 1]) if level[0, 1] > 0 and not np.isnan(level[0, 0]) else None
    low, high = (overall.low, overall.high) if overall and overall.bounded else (None, None)
    value = overall.value if overall else None

    return first, value, low, high, max(each, default=None), f"{len(each)} of {len(level)}"
