"""Normalised gain: a run's gain on a task over that of the task's specialist, which had its share of the budget.

1 on a task is as much as training on that task alone. Raw gains are bounded by how much a task leaves to gain, so that
the worst raw task is nearly always the same one; normalised, every task can be the worst.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from statistics import fmean

from bench.analysis.statistics import Interval, t_interval

SPECIALIST = "single_task"
"""The plan whose runs train one model a task."""


def specialist_gains(runs: Sequence[Sequence[float]]) -> list[Interval]:
    """Gain of the specialist of each task, over seeds; runs: counted gains of `single_task`, [seeds][K]."""
    return [t_interval(task) for task in zip(*runs, strict=True)]


def normalised_gains(gains: Sequence[float], specialists: Sequence[Interval]) -> list[float | None]:
    """Gain over the specialist's mean gain, [K]; 1: as much as training on that task alone.

    None where the specialist did not learn for certain (its interval reaches 0): a ratio to it says nothing.
    """
    return [
        gain / specialist.mean if specialist.low > 0 else None
        for gain, specialist in zip(gains, specialists, strict=True)
    ]


def geometric_mean(ratios: Sequence[float]) -> float:
    """The geometric mean of ratios; 0 where one is not positive.

    Over tasks: one at half of what its specialist gains costs as much as another one doubled brings.
    """
    return 0.0 if min(ratios) <= 0 else math.exp(fmean(map(math.log, ratios)))


def by_seed(
    gains: Mapping[int, Sequence[float]],
    specialists: Sequence[Interval],
    summary: Callable[[Sequence[float]], float] = fmean,
) -> dict[int, float]:
    """One number a run: the mean, `min` or `geometric_mean` over the tasks whose specialist learned, by seed.

    gains: of each run by seed, [K], as specialists. Empty if no specialist learned.
    """
    rows = {seed: [r for r in normalised_gains(row, specialists) if r is not None] for seed, row in gains.items()}
    return {seed: summary(ratios) for seed, ratios in rows.items() if ratios}
