"""Methods over several suites: how far each stays behind the best, and whether suites agree on the order.

Gains of different suites do not compare, so that each suite's are first put beside the best gain in it. Only methods
that were run on every seed of every suite are compared: an average over other suites would be another one.
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
class Across:
    """Several suites, and the methods that all of them have; the smallest maximal regret first."""

    suites: Sequence[str]
    standings: Sequence[Standing]
    agreement: Mapping[tuple[str, str], Estimate]
    """Kendall's tau between the orders of two suites, with its range when the seeds of both are drawn again."""


def scores_of(board: Board) -> Scores:
    """The scores of a board."""
    rows = [row for row in board.rows if not row.missing and not row.specialists]
    return Scores(
        board.name,
        {row.label: {run.record.seed: run.mean for run in row.runs} for row in rows},
        {row.label: (row.difference, row.verdict) for row in rows},
    )


def across(found: Sequence[Scores]) -> Across | None:
    """The comparison of at least two suites that share at least two methods; None of fewer."""
    if len(found) < 2:
        return None
    methods = sorted(set.intersection(*(set(scores.gains) for scores in found)))
    if len(methods) < 2:
        return None

    means = np.array([[_mean(scores.gains[name]) for scores in found] for name in methods])
    best = means.max(axis=0)
    # Where nothing gained there is nothing to fall behind.
    regrets = np.divide(best - means, best, out=np.zeros_like(means), where=best > 0)
    ranks = mean_ranks(means).mean(axis=1)
    standings = [Standing(*each) for each in zip(methods, regrets.tolist(), ranks.tolist(), strict=True)]

    return Across(
        [scores.suite for scores in found],
        sorted(standings, key=lambda each: (each.worst, each.rank, each.method)),
        {(a.suite, b.suite): _agreement(a, b, methods) for a, b in combinations(found, 2)},
    )


def profile(found: Across, thresholds: Sequence[float]) -> dict[str, list[float]]:
    """Share of suites in which a method's regret is at most each threshold, by method."""
    return {
        each.method: [float(np.mean(np.array(each.regrets) <= threshold + 1e-12)) for threshold in thresholds]
        for each in found.standings
    }


def _agreement(first: Scores, second: Scores, methods: Sequence[str]) -> Estimate:
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
