"""R3: what the model learned on each task, during training and on held-out items, under `uniform` and other methods."""

from collections.abc import Sequence
from statistics import fmean

from bench.analysis.figures import Cell, Figure, Report, Table
from bench.analysis.reports._methods import Groups, described, mean_gain, samples, selected, unfinished
from bench.analysis.reports._sample import FINE, Sample, absent, centres, known, mean, means, over_seeds, windows_of
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.statistics import t_interval
from bench.analysis.text import plural, sentences

KEY, TITLE = "R3", "Reward of each task"
QUESTION = "What does the model learn on each task, and when?"
BEST, WORST = 3, 2
"""Methods in a figure beside `uniform`."""
RULE = (
    f"Shown: {REFERENCE}, and of the other methods with default settings that train one model in one go, the {BEST} "
    f"with the largest and the {WORST} with the smallest mean held-out gain."
)


def rewards(runs: Sequence[Run]) -> Report:
    """Curves of training reward, one figure a task, and a table of held-out reward."""
    groups = group_by_method(runs)
    chosen = _chosen(groups, samples(selected(runs, _plain)))
    if not chosen:
        return absent(KEY, TITLE, QUESTION, Sample.of(runs).why_empty)

    first = next(iter(chosen.values()))
    figures = tuple(_figure(chosen, task) for task in range(len(first.tasks)))
    paths = sorted({run.path for members in groups.values() for run in members})
    finding = sentences(_finding(groups), unfinished(groups))

    return Report(KEY, TITLE, QUESTION, finding, figures, (_held_out(groups),), tuple(paths))


def _plain(run: Run) -> bool:
    """A plan's curves are those of several trainings, one after the other."""
    return "+" not in run.label and "RunPlan" not in run.record.method.acts_on


def _chosen(groups: Groups, found: dict[str, Sample]) -> dict[str, Sample]:
    others = sorted((key for key in found if key != REFERENCE), key=lambda key: (-mean_gain(groups[key]).mean, key))
    kept = others if len(others) <= BEST + WORST else [*others[:BEST], *others[-WORST:]]
    return {key: found[key] for key in (REFERENCE, *kept) if key in found}


def _finding(groups: Groups) -> str:
    label = REFERENCE if REFERENCE in groups else min(groups, key=lambda key: (-mean_gain(groups[key]).mean, key))
    before, after = _ends(groups[label])
    names = groups[label][0].tasks
    gains = [end - start for start, end in zip(before, after, strict=True)]
    rose = sum(gain > 0 for gain in gains)
    beyond = sum(t_interval(values).low > 0 for values in zip(*(run.gains for run in groups[label]), strict=True))
    most, least = (gains.index(pick(gains)) for pick in (max, min))
    other = "" if label == REFERENCE else f" ({REFERENCE} has no run)"
    told = [f"{names[task]} (from {before[task]:.2f} to {after[task]:.2f})" for task in (most, least)]
    where = (
        f", most on {told[0]} and least on {told[1]}" if len(names) > 1 else f", from {before[0]:.2f} to {after[0]:.2f}"
    )

    return (
        f"Under {label}{other}, mean over {plural(len(groups[label]), 'seed')}, held-out reward rose on {rose} of "
        f"{plural(len(names), 'task')}{where}; beyond the spread of the seeds on {beyond}."
    )


def _ends(runs: Sequence[Run]) -> tuple[list[float], list[float]]:
    """Mean held-out reward of each task before and after; after an unfinished run it is what it was before."""
    before = [
        fmean(values) for values in zip(*([task.before.mean for task in run.record.tasks] for run in runs), strict=True)
    ]
    gains = [fmean(values) for values in zip(*(run.gains for run in runs), strict=True)]
    return before, [start + gain for start, gain in zip(before, gains, strict=True)]


def _figure(chosen: dict[str, Sample], task: int) -> Figure:
    name = next(iter(chosen.values())).tasks[task]
    windows = min(windows_of(sample, FINE) for sample in chosen.values())
    series = [
        over_seeds(label, centres(sample, windows), means(sample, "reward", windows)[:, :, task])
        for label, sample in chosen.items()
    ]
    return Figure(
        key=f"reward-{name}",
        kind="lines",
        title=f"Training reward on {name}",
        description=f"Mean training reward, over seeds, with 95 % intervals over seeds. {RULE}",
        x_label="step",
        y_label="reward",
        series=tuple(series),
        reading=_reading(name, chosen, task, windows),
    )


def _reading(name: str, chosen: dict[str, Sample], task: int, windows: int) -> str:
    """Where the methods end, from the mean of the last window."""
    curves = {label: known(mean(means(sample, "reward", windows))[:, task]) for label, sample in chosen.items()}
    told = {label: [value for value in curve if value is not None] for label, curve in curves.items()}
    ends = {label: values[-1] for label, values in told.items() if values}
    if not ends:
        return f"{name} had no prompts."

    top, bottom = (pick(ends, key=lambda label: ends[label]) for pick in (max, min))
    start = f"{REFERENCE} goes from {told[REFERENCE][0]:.2f} to {ends[REFERENCE]:.2f}" if REFERENCE in ends else ""
    others = f"all end between {ends[bottom]:.2f} ({bottom}) and {ends[top]:.2f} ({top})" if len(ends) > 1 else ""

    return "; ".join(part for part in (start, others) if part) + "."


def _held_out(groups: Groups) -> Table:
    reference = groups.get(REFERENCE) or next(iter(groups.values()))
    before, _ = _ends(reference)

    rows: list[tuple[Cell, ...]] = [("before training", None, *before, fmean(before))]
    for label, runs in groups.items():
        after = _ends(runs)[1]
        rows.append((described(label, groups), len(runs), *after, fmean(after)))

    caption = (
        "Held-out reward of the base model and after training, mean over seeds. A run that did not finish counts as "
        "the base model."
    )
    return Table(("method", "seeds", *reference[0].tasks, "mean"), tuple(rows), caption)
