"""Methods of one board against each other: the first against each of the others, paired by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.analysis.cost import CURRENCIES, Currency, overhead
from bench.analysis.plain import estimate_data, interval_data, number, row_data
from bench.analysis.ranking import Estimate, probability_of_improvement
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.significance import ALPHA, adjusted, paired_p
from bench.analysis.statistics import LEVEL, Interval, paired_difference, paired_differences
from bench.errors import UserError, unknown


@dataclass(frozen=True)
class Difference:
    """The first method minus another, over the seeds that both have. Gains are fractions of held-out reward."""

    label: str
    other: str
    seeds: Sequence[int]
    gain: Interval | None
    """The difference of the mean over tasks; None, as all that follows, if they share no seed."""
    p: float | None
    """The p-value of that difference, corrected as on the board, which looks at every pair."""
    tasks: Sequence[Interval]
    task_p: Sequence[float]
    """The p-values of the tasks' differences: the board's for a pair with the reference, else corrected over tasks."""
    improvement: Estimate | None
    """Share of tasks and seeds on which the first gains more; ties count half."""
    wins: tuple[int, int, int]
    """Runs whose mean gain is above, equal to and below that of the other's run of that seed."""
    costs: Mapping[Currency, float | None]
    """Cost of the first over that of the other."""
    task_names: Sequence[str]

    @property
    def differing(self) -> list[str]:
        """Tasks on which the two differ, at a family-wise error of 5 % over the tasks."""
        return [name for name, p in zip(self.task_names, self.task_p, strict=False) if p <= ALPHA]

    @property
    def finding(self) -> str:
        """What may be said, in one or two sentences."""
        if self.gain is None or self.p is None:
            return f"{self.label} and {self.other} share no seed; run both on the same seeds."

        if self.p > ALPHA:
            first = f"{self.label} cannot be distinguished from {self.other} on the mean over tasks."
        else:
            more = "more" if self.gain.mean > 0 else "less"
            first = f"{self.label} gains {more} than {self.other} on the mean over tasks."

        if len(self.seeds) == 1:
            return f"{first} One seed says nothing about spread."

        tasks = ", ".join(self.differing)
        return f"{first} They differ on {tasks}." if tasks else f"{first} No task differs for certain."


@dataclass(frozen=True)
class Comparison:
    """Two or more rows of a board, the first against each of the others."""

    suite: str
    rows: Sequence[Row]
    differences: Sequence[Difference]


def compare(board: Board, labels: Sequence[str]) -> Comparison:
    """The comparison of rows. UserError for fewer than two labels, one that is given twice or is not on the board."""
    known = {row.label: row for row in board.rows}
    for label in labels:
        if label not in known:
            raise unknown(f"method on {board.name}", label, known, f"bench leaderboard {board.name}")

    if len(labels) < 2 or len(set(labels)) < len(labels):
        raise UserError("name two or more different methods, as in `bench compare pcgrad uniform`.")

    rows = [known[label] for label in labels]
    return Comparison(board.name, rows, [_difference(board, rows[0], row) for row in rows[1:]])


def comparison_data(comparison: Comparison) -> dict[str, Any]:
    """Everything a comparison says, as JSON takes it."""
    return {
        "suite": comparison.suite,
        "level": LEVEL,
        "methods": [row_data(row) for row in comparison.rows],
        "differences": [_difference_data(difference) for difference in comparison.differences],
    }


def _difference(board: Board, row: Row, other: Row) -> Difference:
    seeds = _shared(row, other)
    columns = [(_task(row, task), _task(other, task)) for task in range(len(row.tasks))] if seeds else []
    gaps = paired_differences(_means(row), _means(other)).values()
    return Difference(
        label=row.label,
        other=other.label,
        seeds=seeds,
        gain=paired_difference(_means(row), _means(other)) if seeds else None,
        p=_p(board, row, other) if seeds else None,
        tasks=[paired_difference(*pair) for pair in columns],
        task_p=_task_p(row, other, columns),
        improvement=probability_of_improvement(_table(row, seeds), _table(other, seeds)) if seeds else None,
        wins=(sum(gap > 0 for gap in gaps), sum(gap == 0 for gap in gaps), sum(gap < 0 for gap in gaps)),
        costs={currency: overhead(row.runs, other.runs, currency) for currency in CURRENCIES},
        task_names=row.runs[0].tasks,
    )


def _p(board: Board, row: Row, other: Row) -> float:
    """The board's p-value of a pair; of a row that the board does not rank, that of the pair by itself."""
    for one, reference in ((row, other), (other, row)):
        if reference.label == REFERENCE and one.p is not None:
            return one.p
    known = board.pairs.get(frozenset((row.label, other.label)))
    return paired_p(_means(row), _means(other)) if known is None else known


def _task_p(row: Row, other: Row, columns: Sequence[tuple[Mapping[int, float], Mapping[int, float]]]) -> list[float]:
    for one, reference in ((row, other), (other, row)):
        if reference.label == REFERENCE:
            return list(one.task_p)
    return list(adjusted({f"{task}": paired_differences(*pair) for task, pair in enumerate(columns)}).values())


def _difference_data(each: Difference) -> dict[str, Any]:
    tasks = {
        name: {**interval_data(gain), "p": number(p)}
        for name, gain, p in zip(each.task_names, each.tasks, each.task_p, strict=False)
    }
    return {
        "method": each.label,
        "minus": each.other,
        "finding": each.finding,
        "seeds": list(each.seeds),
        "gain": interval_data(each.gain),
        "p": number(each.p),
        "tasks": tasks,
        "differing": each.differing,
        "improvement": estimate_data(each.improvement),
        "runs": dict(zip(("above", "equal", "below"), each.wins, strict=True)),
        "cost": {currency: number(value) for currency, value in each.costs.items()},
    }


def _shared(row: Row, other: Row) -> list[int]:
    return sorted(_means(row).keys() & _means(other).keys())


def _means(row: Row) -> dict[int, float]:
    return {run.record.seed: run.mean for run in row.runs}


def _task(row: Row, task: int) -> dict[int, float]:
    return {run.record.seed: run.gains[task] for run in row.runs}


def _table(row: Row, seeds: Sequence[int]) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Gains, [seeds, tasks]."""
    by_seed = {run.record.seed: run.counted for run in row.runs}
    return np.array([by_seed[seed] for seed in seeds])
