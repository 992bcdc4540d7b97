"""R12: all methods on one page: average, worst task, tasks made worse, time and memory."""

from collections.abc import Mapping, Sequence
from typing import Final

from bench.analysis.cost import Currency, telling
from bench.analysis.figures import Cell, Report, Table
from bench.analysis.reports._methods import (
    Groups,
    described,
    judged,
    mean_gain,
    stated,
    tally,
    task_gains,
    unfinished,
    with_defaults,
)
from bench.analysis.reports._sample import absent, cells
from bench.analysis.rows import Row
from bench.analysis.runs import REFERENCE, Run, group_by_method
from bench.analysis.text import figure, listing, plural, sentences

KEY, TITLE = "R12", "Gain, worst task and cost"
QUESTION = "Which method gains more than uniform, and at what price?"
MIB = 2**20
SHOWN = 3
PRICES: Final[dict[Currency, str]] = {
    "sampled_tokens": "sampled tokens",
    "backward_passes": "backward passes",
    "cpu_seconds": "CPU seconds",
}
"""The costs that are shown, relative to the reference's."""


def summary(runs: Sequence[Run]) -> Report:
    """One row a method; a run that did not finish counts as no gain."""
    groups = group_by_method(runs)
    if not groups:
        return absent(KEY, TITLE, QUESTION, "No run is recorded; `bench run method=uniform` makes one.")
    rows = judged(runs)
    finding = sentences(_finding(groups, rows), _price(rows), _harm(groups, rows), unfinished(groups))
    paths = tuple(sorted(run.path for run in runs))

    return Report(KEY, TITLE, QUESTION, finding, (), (_table(groups, rows),), paths)


def _finding(groups: Groups, rows: Mapping[str, Row]) -> str:
    # Specialists end with a model a task and static weights are the yardstick: neither is a candidate.
    candidates = [rows[label] for label in with_defaults(groups)]
    found = {row.label: row for row in candidates if row.difference and not row.specialists and not row.static}

    if REFERENCE not in groups:
        return f"There is no run of {REFERENCE} to compare {plural(len(groups), 'method')} with."
    if not found:
        return f"Only {REFERENCE} is recorded, with a mean gain of {stated(mean_gain(groups[REFERENCE]))}."

    return f"Beside {REFERENCE}, with default settings: {tally(found, groups)}"


def _price(rows: Mapping[str, Row]) -> str:
    """What methods that gain more than the reference for certain cost beside it."""
    better = [row for row in rows.values() if row.verdict.startswith("better") and not row.specialists]
    told = [f"{row.label} at {listing(costs)}" for row in better if (costs := _costs(row))]
    return f"Beside {REFERENCE} that costs: {'; '.join(told)}." if told else ""


def _costs(row: Row) -> list[str]:
    known = telling(row.overheads)
    return [f"{figure(known[key])} times the {noun}" for key, noun in PRICES.items() if key in known]


def _harm(groups: Groups, rows: Mapping[str, Row]) -> str:
    """Tasks that a method leaves worse than the base model."""
    certain = [f"{described(label, groups)} ({listing(row.hurt)})" for label, row in rows.items() if row.hurt]
    falling = [label for label, runs in groups.items() if min(task_gains(runs)) < 0]
    if not falling:
        return "No method made a task worse than the base model."

    told = f"{plural(len(falling), 'method')} made a task worse than the base model on the mean over seeds"
    if not certain:
        return f"{told}, none for certain."

    more = f" and {len(certain) - SHOWN} more" if len(certain) > SHOWN else ""
    shown = ", ".join(certain[:SHOWN]) + more if more else listing(certain)
    return f"{told}, {len(certain)} for certain: {shown}."


def _table(groups: Groups, rows: Mapping[str, Row]) -> Table:
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
        *PRICES.values(),
        "memory, MiB",
    )
    caption = (
        f"Mean held-out gain over tasks and seeds, minus that of {REFERENCE} paired by seed with its 95 % interval; "
        "gain of each seed's worst task, mean over seeds; tasks whose interval lies below 0; tokens, passes and CPU "
        f"seconds relative to {REFERENCE}, seconds only on the same hardware by records that have them; largest peak "
        "memory. Runs that did not finish count as no gain."
    )
    return Table(columns, tuple(_row(rows[label], groups) for label in order), caption)


def _row(row: Row, groups: Groups) -> tuple[Cell, ...]:
    runs = row.runs
    return (
        described(row.label, groups),
        f"{sum(run.done for run in runs)} of {len(runs)}",
        row.gain.mean,
        *cells(row.difference),
        row.worst.mean,
        len(row.hurt),
        *(row.overheads[key] for key in PRICES),
        row.memory / MIB,
    )
