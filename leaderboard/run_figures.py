"""The curves of a run, as figures: means over at most 12 equal parts of it; sentences on those that never move."""

from collections.abc import Sequence

from bench.analysis.figures import Figure, Series
from bench.analysis.runs import Run
from leaderboard.text import figure

PARTS = 12
Part = tuple[int, int, tuple[int, ...]]
"""First window, window after the last, and their steps."""
SHOWN = (
    (
        "squared_norm",
        "Squared gradient norm",
        "Unbiased estimate for each task; what is not positive is not drawn.",
        True,
    ),
    ("reward", "Training reward", "Mean reward of the completions of each task.", False),
    ("weights", "Weight in the update", "Realised weight of each task's gradient, before clipping.", False),
    ("task_share", "Share of the prompts", "Share of the step's prompts that each task got.", False),
    ("reply_length", "Reply length", "Mean tokens of the completions of each task.", False),
)


def curves(run: Run) -> tuple[list[Figure], list[str]]:
    """The charts of a run, and sentences on the curves that never move; none without a step."""
    found = run.record.curves
    parts = _parts(run.record.curves.steps)
    if not parts:
        return [], []

    steps = tuple(float(found.steps[end - 1]) for _, end, _ in parts)
    moving = []
    still = []
    for name, title, description, log in SHOWN:
        columns = [_averaged(column, parts) for column in zip(*getattr(found, name), strict=True)]
        level = figure(columns[0][0])
        if all(figure(value) == level for column in columns for value in column):
            still.append(f"{title}: {level} for every task, throughout.")
            continue
        series = tuple(Series(task, steps, column) for task, column in zip(run.tasks, columns, strict=True))
        moving.append(_figure(name, title, description, series, log))

    norms = {"update": found.update_norm, "plain mean": found.plain_norm}
    drawn = tuple(Series(name, steps, _averaged(norm, parts)) for name, norm in norms.items() if norm)
    beside = ", beside that of the plain mean" if found.plain_norm else ""
    said = f"Norm of the combined gradient before clipping{beside}."
    return [*moving, _figure("update_norm", "Norm of the update", said, drawn, False)], still


def _figure(name: str, title: str, description: str, series: tuple[Series, ...], log: bool) -> Figure:
    return Figure(
        key=name.replace("_", "-"),
        kind="lines",
        title=title,
        description=f"{description} Means over parts of the run.",
        x_label="step",
        y_label=title.lower(),
        series=series,
        log_y=log,
        reading=_reading(series),
    )


def _reading(series: Sequence[Series]) -> str:
    ends = {each.label: known[-1] for each in series if (known := [y for y in each.y if y is not None])}
    if not ends:
        return ""
    if len(ends) == 1:
        (first, *_), (last,) = [y for y in series[0].y if y is not None], ends.values()
        return f"From {figure(first)} to {figure(last)}."

    top, bottom = (choose(ends, key=lambda name: (ends[name], name)) for choose in (max, min))
    if figure(ends[top]) == figure(ends[bottom]):
        return f"All end at {figure(ends[top])}."

    return f"At the end the largest is {top} ({figure(ends[top])}), the smallest {bottom} ({figure(ends[bottom])})."


def _parts(steps: Sequence[int]) -> list[Part]:
    sizes = [end - start for start, end in zip([0, *steps], steps, strict=False)]
    each = -(-len(steps) // PARTS) or 1
    starts = range(0, len(steps), each)
    return [(start, min(start + each, len(steps)), tuple(sizes[start : start + each])) for start in starts]


def _averaged(values: Sequence[float | None], parts: Sequence[Part]) -> tuple[float | None, ...]:
    return tuple(_mean(values[start:end], sizes) for start, end, sizes in parts)


def _mean(values: Sequence[float | None], sizes: Sequence[int]) -> float | None:
    """Mean weighted by steps over the windows with a value."""
    total, steps = 0.0, 0
    for value, size in zip(values, sizes, strict=True):
        if value is not None:
            total += value * size
            steps += size

    return total / steps if steps else None
