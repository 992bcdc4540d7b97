"""R12: all methods on one page: average, worst task, tasks made worse, time and memory."""

from collections.abc import Sequence
from statistics import fmean

from bench.analysis.cost import overhead, peak_memory
from bench.analysis.figures import Cell, Report, Table
from bench.analysis.reports._methods import (
    Groups,
    described,
    difference,
    mean_gain,
    stated,
    tally,
    task_gains,
    unfinished,
    with_defaults,
)
from bench.analysis.reports._sample import absent, cells
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.statistics import t_interval
from bench.analysis.text import listing, plural, sentences

KEY, TITLE = "R12", "Gain, worst task and cost"
QUESTION = "Which method gains more than uniform, and at what price?"
MIB = 2**20
SHOWN = 3


def summary(runs: Sequence[Run]) -> Report:
    """One row a method; a run that did not finish counts as no gain."""
    groups = group_by_method(runs)
    if not groups:
        return absent(KEY, TITLE, QUESTION, "No run is recorded; `bench run method=uniform` makes one.")
    finding = sentences(_finding(groups), _harm(groups), unfinished(groups))
    return Report(KEY, TITLE, QUESTION, finding, (), (_table(groups),), tuple(sorted(run.path for run in runs)))


def _finding(groups: Groups) -> str:
    pairs = {label: difference(groups, label) for label in with_defaults(groups) if label != REFERENCE}
    found = {label: pair for label, pair in pairs.items() if pair}

    if REFERENCE not in groups:
        return f"There is no run of {REFERENCE} to compare {plural(len(groups), 'method')} with."
    if not found:
        return f"Only {REFERENCE} is recorded, with a mean gain of {stated(mean_gain(groups[REFERENCE]))}."

    return f"Beside {REFERENCE}, with default settings: {tally(found, groups)}"


def _harm(groups: Groups) -> str:
    """Tasks that a method leaves worse than the base model."""
    certain = [
        f"{described(label, groups)} ({listing(tasks)})" for label, runs in groups.items() if (tasks := hurt(runs))
    ]
    falling = [label for label, runs in groups.items() if min(task_gains(runs)) < 0]
    if not falling:
        return "No method made a task worse than the base model."

    told = f"{plural(len(falling), 'method')} made a task worse than the base model on the mean over seeds"
    if not certain:
        return f"{told}, none for certain."

    more = f" and {len(certain) - SHOWN} more" if len(certain) > SHOWN else ""
    shown = ", ".join(certain[:SHOWN]) + more if more else listing(certain)
    return f"{told}, {len(certain)} for certain: {shown}."


def hurt(runs: Sequence[Run]) -> list[str]:
    """Names of the tasks that became worse for certain: the interval of their gain lies below 0."""
    gains = zip(*(run.gains for run in runs), strict=True)
    return [name for name, values in zip(runs[0].tasks, gains, strict=True) if t_interval(values).high < 0]


def _table(groups: Groups) -> Table:
    order = sorted(groups, key=lambda label: (-mean_gain(groups[label]).mean, label))
    columns = (
        "method",
        "finished",
        "mean gain",
        f"minus {REFERENCE}",
        "low",
        "high",
        "worst task",
        "tasks made worse",
        "time",
        "memory, MiB",
    )
    caption = (
        f"Mean held-out gain over tasks and seeds, minus that of {REFERENCE} paired by seed with its 95 % interval; "
        "gain of each seed's worst task, mean over seeds; tasks whose interval lies below 0; training time relative to "
        f"{REFERENCE} on the same hardware, other load included; largest peak memory. Runs that did not finish count "
        "as no gain."
    )
    return Table(columns, tuple(_row(label, groups) for label in order), caption)


def _row(label: str, groups: Groups) -> tuple[Cell, ...]:
    runs = groups[label]
    pair = cells(difference(groups, label)) if label != REFERENCE else (None, None, None)
    return (
        described(label, groups),
        f"{sum(run.done for run in runs)} of {len(runs)}",
        mean_gain(runs).mean,
        *pair,
        fmean(min(run.gains) for run in runs),
        len(hurt(runs)),
        overhead(runs, groups.get(REFERENCE, ()), "wall_seconds"),
        peak_memory(runs) / MIB,
    )
