"""What pages say of rows and runs beyond their numbers: place, cost class, regime, kinds of empty cell, sentences."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bench.analysis.board import Board, Row
from bench.analysis.cost import Currency
from bench.analysis.ranking import ALPHA
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.statistics import Interval, minimum_detectable_effect, paired_difference, paired_differences
from bench.analysis.text import figure, plural, signed
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
"""Cost classes: the larger of backward passes and time, relative to the reference."""
CURRENCY_NAMES: Final[Mapping[Currency, str]] = {
    "prompts": "prompts",
    "sampled_tokens": "sampled tokens",
    "backward_passes": "backward passes",
    "wall_seconds": "training time",
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
    known = [cost for key in ("backward_passes", "wall_seconds") if (cost := row.overheads[key]) is not None]
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


def hurt_tasks(board: Board, row: Row) -> list[str]:
    """Tasks that became worse than the base model for certain."""
    return [task.name for task, gain in zip(board.tasks, row.tasks, strict=True) if gain.high < 0]


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


def answer(board: Board) -> str:
    """Which methods gain more than the reference, and how sure that is: sentences computed from the rows."""
    rows = [row for row in together(board) if row.difference]
    if not rows:
        return f"No method shares a seed with {REFERENCE} yet, so nothing can be compared."

    kinds = [(row.verdict.split()[0], row) for row in rows]
    better, worse = ([row for kind, row in kinds if kind == name] for name in ("better", "worse"))
    many = "1 method or setting" if len(rows) == 1 else f"{len(rows)} methods and settings"
    said = (
        f"Of {many} beside {REFERENCE}, {_gain(better)} more, {_gain(worse)} less, and "
        f"{len(rows) - len(better) - len(worse)} cannot be told from it."
    )
    sure = sum(row.p is not None and row.p < ALPHA for row in [*better, *worse])
    corrected = f"Corrected for their number (Holm), {sure} of these {len(better) + len(worse)} differences remain."
    best = max(rows, key=lambda row: (row.difference.mean if row.difference else 0.0, row.label))

    return " ".join([said, *([corrected] if better or worse else []), *_best(best), *_limits(board)])


def _gain(rows: Sequence[Row]) -> str:
    return f"{len(rows) or 'none'} {'gains' if len(rows) == 1 else 'gain'}"


def _best(row: Row) -> list[str]:
    difference = row.difference
    time = row.overheads["wall_seconds"]
    if difference is None:
        return []
    ends = f" ({signed(difference.low)} to {signed(difference.high)})" if math.isfinite(difference.low) else ""
    cost = f", at {figure(time)}\u00d7 its time" if time else ""
    return [f"The largest difference is that of {row.label}: {signed(difference.mean)}{ends}{cost}."]


def _limits(board: Board) -> list[str]:
    if not math.isfinite(board.detectable) or board.detectable >= 1:
        return ["So few seeds cannot tell any difference from zero."]
    return [f"With these seeds a true difference of about {board.detectable:.3f} is found half the time."]


def means(row: Row) -> dict[int, float]:
    """Mean gain of each run as it counts, by seed."""
    return {run.record.seed: sum(run.gains) / len(run.gains) for run in row.runs}


def pairs(rows: Sequence[Row]) -> list[list[Pair]]:
    """Every row against every other, paired by seed; a square of differences."""
    values = {row.label: means(row) for row in rows}

    known = dict[tuple[str, str], Interval | None]()
    for index, first in enumerate(rows):
        for second in rows[index + 1 :]:
            found = _difference(values[first.label], values[second.label])
            known[first.label, second.label] = found
            known[second.label, first.label] = found and Interval(-found.mean, -found.high, -found.low, found.n)

    return [[Pair(a.label, b.label, known.get((a.label, b.label))) for b in rows] for a in rows]


def task_differences(row: Row, reference: Row | None, tasks: Sequence[int]) -> list[Interval | None]:
    """Gain on some tasks, by index, minus the reference's, paired by seed; None without a common seed."""
    if reference is None or reference is row:
        return [None] * len(tasks)
    own, other = ({run.record.seed: run.gains for run in each.runs} for each in (row, reference))
    return [_difference({s: g[k] for s, g in own.items()}, {s: g[k] for s, g in other.items()}) for k in tasks]


def detectable(board: Board, index: int) -> float:
    """Smallest difference to the reference on one task that the seeds can see, as for the mean gain."""
    reference = board.row(REFERENCE)
    if reference is None:
        return math.inf

    other = {run.record.seed: run.gains[index] for run in reference.runs}
    steady = [row for row in board.rows if row.difference and not row.unfinished]
    groups = [paired_differences({r.record.seed: r.gains[index] for r in row.runs}, other).values() for row in steady]

    return minimum_detectable_effect(groups, max(map(len, groups), default=0))


def _difference(values: Mapping[int, float], reference: Mapping[int, float]) -> Interval | None:
    return paired_difference(values, reference) if values.keys() & reference.keys() else None
