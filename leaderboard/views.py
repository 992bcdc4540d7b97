"""What pages say of rows and runs beyond their numbers: place, cost class, regime, kinds of empty cell, sentences."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.analysis.cost import Currency, telling
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.significance import ALPHA
from bench.analysis.statistics import Interval, detectable_difference, paired_differences, t_interval
from bench.analysis.text import plural
from bench.records.track import base_suite, is_tuned

PLACES: Final[Mapping[str, str]] = {
    "TaskSampling": "sampling",
    "SampleWeighting": "advantages",
    "LossWeighting": "loss weights",
    "GramianWeighting": "gradient weights",
    "GradientCombination": "gradients",
    "StepWrapper": "around the step",
    "RunPlan": "plan of runs",
}
"""Where in a step a method acts, by its hook class."""
COSTS: Final[Mapping[str, str]] = {
    "plain": f"as {REFERENCE}, up to 1.25\u00d7",
    "moderate": "1.25\u00d7 to 2\u00d7",
    "heavy": "more than 2\u00d7",
    "unknown": "not known",
}
"""Cost classes: backward passes relative to the reference, or CPU time where that is at least twice as much."""
CURRENCY_NAMES: Final[Mapping[Currency, str]] = {
    "prompts": "prompts",
    "sampled_tokens": "sampled tokens",
    "backward_passes": "backward passes",
    "cpu_seconds": "CPU time",
}
LEGEND: Final[Mapping[str, str]] = {
    "not run": "no record of it is in the store",
    "failed": "the run raised an error; it counts as no gain",
    "over budget": "the run spent its budget before the last step; it counts as no gain",
    "not applicable": "the quantity has no meaning here",
}
"""The kinds of empty cell."""


@dataclass(frozen=True, slots=True)
class Pair:
    """Two methods, paired by seed."""

    row: str
    column: str
    difference: Interval | None
    """Mean gain of the row minus that of the column; None without a common seed, and on the diagonal."""
    differs: bool
    """Whether the corrected comparison tells them apart."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A row's difference to the reference on one task."""

    difference: Interval
    differs: bool
    """Whether it counts after correction for all rows and tasks."""


def places(row: Row) -> list[str]:
    """Where the method acts, its wrapper's place included."""
    method = row.runs[0].record.method
    own = [PLACES.get(kind, kind) for kind in method.acts_on]
    return list(dict.fromkeys([*own, *([PLACES["StepWrapper"]] if method.wrapper else [])]))


def places_on_scale(interval: Interval, span: float) -> tuple[str, str, str]:
    """Low, mean and high on a scale of 120 pixels from -span to span, as text; what lies beyond is at its ends."""
    ends = (60 + 56 * max(-1.05, min(1.05, value / span)) for value in (interval.low, interval.mean, interval.high))
    low, at, high = (f"{end:.1f}" for end in ends)
    return low, at, high


def slug(text: str) -> str:
    """A word for an attribute: letters and digits, the rest as one dash each."""
    return "".join(sign if sign.isalnum() else "-" for sign in text.lower())


def cost_class(row: Row) -> str:
    """A key of `COSTS`."""
    found = telling(row.overheads)
    known = [found[currency] for currency in ("backward_passes", "cpu_seconds") if currency in found]
    if not known:
        return "unknown"
    return "plain" if max(known) <= 1.25 else "moderate" if max(known) <= 2 else "heavy"


def regime(row: Row) -> str:
    """How the model was trained: by reinforcement if a verifier was ever asked, else supervised."""
    return "reinforcement" if any(run.record.ledger.reward_calls for run in row.runs) else "supervised"


def status(run: Run) -> str:
    """How a run ended: done, failed or over budget."""
    return run.record.status.replace("_", " ")


def empty(runs: Iterable[Run], otherwise: str) -> str:
    """Why a row has no value: what became of its runs if none is done, else the reason given."""
    ends = {status(run) for run in runs}
    if "done" in ends:
        return otherwise
    return "over budget" if ends == {"over budget"} else "failed" if ends else "not run"


def unfinished(row: Row) -> str:
    """The runs of a row that are not done, as text: `1 of 5 runs failed`."""
    count = {kind: sum(status(run) == kind for run in row.runs) for kind in ("failed", "over budget")}
    said = [f"{number} of {plural(len(row.runs), 'run')} {kind}" for kind, number in count.items() if number]
    return ", ".join(said)


def last_day(row: Row) -> str:
    """The day on which the row's last run finished, as in 2026-03-01."""
    return max(run.record.provenance.finished[:10] for run in row.runs)


def together(board: Board) -> list[Row]:
    """Rows that train one model for all tasks."""
    return [row for row in board.rows if not row.specialists]


def apart(board: Board) -> list[Row]:
    """Rows that train one model a task."""
    return [row for row in board.rows if row.specialists]


def tracks(board: Board, names: Sequence[str], tuned: Sequence[Run]) -> dict[str, Any]:
    """The track of a board, and its board in the other track, if that is shown.

    names: of boards before it; tuned: a run of its tuned track. `tuning` is None in the default track; `other` is a
    name and the trials of a method there, 0 for default settings, or None.
    """
    found = tuned[0].record if tuned else None
    base = base_suite(board.name)
    other = (base, 0) if is_tuned(board.name) and base in names else None
    if found and found.method.tuning:
        other = found.suite.name, found.method.tuning.trials

    return {"tuning": board.rows[0].runs[0].record.method.tuning, "other": other}


def seeds(board: Board) -> list[int]:
    """All seeds of a suite's runs."""
    return sorted({run.record.seed for row in board.rows for run in row.runs})


def pairs(board: Board) -> list[list[Pair]]:
    """Every row that trains one model against every other, paired by seed; a square of differences."""
    rows = together(board)
    values = {row.label: {run.record.seed: run.mean for run in row.runs} for row in rows}
    known = dict[tuple[str, str], Interval | None]()
    for index, first in enumerate(rows):
        for second in rows[index + 1 :]:
            gaps = paired_differences(values[first.label], values[second.label])
            found = t_interval(gaps.values()) if gaps else None
            known[first.label, second.label] = found
            known[second.label, first.label] = found and found.negative

    return [
        [Pair(a.label, b.label, known.get((a.label, b.label)), board.differ(a.label, b.label)) for b in rows]
        for a in rows
    ]


def task_cells(row: Row, tasks: Sequence[int]) -> list[Cell | None]:
    """Gain on some tasks, by index, minus the reference's, and whether it counts; None without a common seed."""
    if not row.task_differences:
        return [None] * len(tasks)
    return [Cell(row.task_differences[task], row.task_p[task] <= ALPHA) for task in tasks]


def detectable(board: Board, index: int) -> float:
    """The difference to the reference on one task that is found 80 % of the time, by itself."""
    reference = board.row(REFERENCE)
    if reference is None:
        return math.inf

    other = {run.record.seed: run.gains[index] for run in reference.runs}
    steady = [row for row in board.rows if row.difference and not row.unfinished and not row.static]
    groups = [
        list(paired_differences({run.record.seed: run.gains[index] for run in row.runs}, other).values())
        for row in steady
    ]
    return detectable_difference(groups, max(map(len, groups), default=0))
