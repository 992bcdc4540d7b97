"""Methods over several suites: how far each stays behind the best, and whether suites agree on the order.

Gains of different suites do not compare, so that each suite's are first put beside the best gain in it. Regrets and
ranks are of methods that were run on every seed of every suite: an average over other suites would be another one. The
orders of two suites are compared by the methods that both of them have.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.analysis.ranking import DRAWS, Estimate, kendall, mean_ranks
from bench.analysis.rows import Board
from bench.analysis.significance import BySeed
from bench.analysis.statistics import Interval

Array = NDArray[np.float64]
FEWEST = 3
"""Methods that two suites must share: two have one order or the other, and agree half of the time by chance."""


@dataclass(frozen=True)
class Scores:
    """What a comparison over suites needs of one: no run is kept."""

    suite: str
    gains: Mapping[str, BySeed]
    """Mean gain by method and seed, of the complete rows that train one model for all tasks."""
    differences: Mapping[str, tuple[Interval | None, str]]
    """Difference to the reference and verdict, by method."""


@dataclass(frozen=True)
class Standing:
    """One method over all suites."""

    method: str
    regrets: Sequence[float]
    """By suite: the best method's mean gain minus its own, over the best's; 0 is the best."""
    rank: float
    """Mean rank over suites, 1 is best."""

    @property
    def worst(self) -> float:
        """The largest regret: what is lost where the method fits least."""
        return max(self.regrets)


@dataclass(frozen=True)
class Agreement:
    """How far two suites put the methods that both have into one order."""

    first: str
    second: str
    methods: int
    """How many both have."""
    tau: Estimate
    """Kendall's tau between the orders, with its range when the seeds of both are drawn again."""


@dataclass(frozen=True)
class Across:
    """Several suites."""

    suites: Sequence[str]
    standings: Sequence[Standing]
    """Of the methods that all suites have, the smallest maximal regret first; empty where there are fewer than two."""
    agreement: Sequence[Agreement]
    """Of every two suites that share enough methods."""


def scores_of(board: Board) -> Scores:
    """The scores of a board."""
    rows = [row for row in board.rows if not row.missing and not row.specialists]
    return Scores(
        board.name,
        {row.label: {run.record.seed: run.mean for run in row.runs} for row in rows},
        {row.label: (row.difference, row.verdict) for row in rows},
    )


def across(found: Sequence[Scores]) -> Across | None:
    """The comparison of several suites; None where no two methods have all of them and no two suites enough methods."""
    standings = _standings(found)
    agreement = [pair for a, b in combinations(found, 2) if (pair := _agreement(a, b))]
    return Across([scores.suite for scores in found], standings, agreement) if standings or agreement else None


def _standings(found: Sequence[Scores]) -> list[Standing]:
    methods = sorted(set.intersection(*(set(scores.gains) for scores in found))) if found else []
    if len(found) < 2 or len(methods) < 2:
        return []

    means = np.array([[_mean(scores.gains[name]) for scores in found] for name in methods])
    best = means.max(axis=0)
    # Where nothing gained there is nothing to fall behind.
    regrets = np.divide(best - means, best, out=np.zeros_like(means), where=best > 0)
    ranks = mean_ranks(means).mean(axis=1)

    standings = [Standing(*each) for each in zip(methods, regrets.tolist(), ranks.tolist(), strict=True)]
    return sorted(standings, key=lambda each: (each.worst, each.rank, each.method))


def profile(found: Across, thresholds: Sequence[float]) -> dict[str, list[float]]:
    """Share of suites in which a method's regret is at most each threshold, by method."""
    return {
        each.method: [float(np.mean(np.array(each.regrets) <= threshold + 1e-12)) for threshold in thresholds]
        for each in found.standings
    }


def _agreement(first: Scores, second: Scores) -> Agreement | None:
    methods = sorted(first.gains.keys() & second.gains.keys())
    if len(methods) < FEWEST:
        return None
    return Agreement(first.suite, second.suite, len(methods), _tau(first, second, methods))


def _tau(first: Scores, second: Scores, methods: Sequence[str]) -> Estimate:
    tables = [_table(scores, methods) for scores in (first, second)]
    value = float(kendall(tables[0].mean(axis=1), tables[1].mean(axis=1)[:, None])[0])
    if min(table.shape[1] for table in tables) < 2:
        return Estimate(value, None, None)

    generator = np.random.Generator(np.random.PCG64(len(methods)))
    drawn = [
        table[:, generator.integers(0, table.shape[1], size=(DRAWS, table.shape[1]))].mean(axis=2) for table in tables
    ]
    taus = [float(kendall(drawn[0][:, draw], drawn[1][:, [draw]])[0]) for draw in range(DRAWS)]
    low, high = np.quantile(taus, [0.025, 0.975])
    return Estimate(value, float(low), float(high))


def _table(scores: Scores, methods: Sequence[str]) -> Array:
    """Mean gains, [methods, seeds], over the seeds that all of them have; the means alone if there is none."""
    seeds = sorted(set.intersection(*(set(scores.gains[name]) for name in methods)))
    if not seeds:
        return np.array([[_mean(scores.gains[name])] for name in methods])
    return np.array([[scores.gains[name][seed] for seed in seeds] for name in methods])


def _mean(values: BySeed) -> float:
    return sum(values.values()) / len(values)
