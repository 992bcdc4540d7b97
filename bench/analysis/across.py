"""Methods over several suites: how far each stays behind the best, and whether suites agree on the order.

Gains of different suites do not compare, so that each suite's are first put beside the best gain in it. A method is
compared where it was run on every prescribed seed, and counted once that is half of the suites: fewer say little about
suites that it has not seen. Nothing is averaged over suites, because two methods may have been run on different ones.
The orders of two suites are compared by the methods that both of them have.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bench.analysis.ranking import DRAWS, Estimate, kendall
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
    """One method over the suites that it was run on."""

    method: str
    regrets: Mapping[str, float]
    """By suite: the best row's mean gain minus its own, over the best's; 0 is the best."""
    better: int
    """In how many suites it gains more than the reference, by the verdict of each."""
    worse: int

    @property
    def worst(self) -> float:
        """The largest regret: what is lost where the method fits least."""
        return max(self.regrets.values())


@dataclass(frozen=True)
class Agreement:
    """How far two suites put the methods that both have into one order."""

    first: str
    second: str
    methods: int
    """How many both have."""
    tau: Estimate
    """Kendall's tau between the orders, with its range when the seeds of both are drawn again."""

    @property
    def side(self) -> int:
        """1 where the range of tau lies above 0, -1 where it lies below, 0 where it holds 0 or is not known."""
        low, high = self.tau.low, self.tau.high
        return 0 if low is None or high is None else (low > 0) - (high < 0)


@dataclass(frozen=True)
class Across:
    """Several suites."""

    suites: Sequence[str]
    standings: Sequence[Standing]
    """Of the methods that half of the suites have, those first that are better in more and worse in fewer; empty where
    there are fewer than two."""
    agreement: Sequence[Agreement]
    """Of every two suites that share enough methods."""

    @property
    def alike(self) -> int:
        """How many pairs of suites have a range of tau above 0."""
        return sum(each.side == 1 for each in self.agreement)

    @property
    def opposed(self) -> int:
        """How many have it below 0."""
        return sum(each.side == -1 for each in self.agreement)


def scores_of(board: Board) -> Scores:
    """The scores of a board."""
    rows = [row for row in board.rows if not row.missing and not row.specialists]
    return Scores(
        board.name,
        {row.label: {run.record.seed: run.mean for run in row.runs} for row in rows},
        {row.label: (row.difference, row.verdict) for row in rows},
    )


def across(found: Sequence[Scores]) -> Across | None:
    """The comparison of several suites; None where neither two methods nor two suites can be compared."""
    standings = _standings(found)
    agreement = [pair for a, b in combinations(found, 2) if (pair := _agreement(a, b))]
    return Across([scores.suite for scores in found], standings, agreement) if standings or agreement else None


def _standings(found: Sequence[Scores]) -> list[Standing]:
    counted = Counter(name for scores in found for name in scores.gains)
    methods = [name for name, suites in counted.items() if suites >= max(2, len(found) / 2)]
    if len(methods) < 2:
        return []

    best = {scores.suite: max(map(_mean, scores.gains.values()), default=0.0) for scores in found}
    standings = [_standing(name, [scores for scores in found if name in scores.gains], best) for name in methods]
    return sorted(standings, key=lambda each: (each.worse - each.better, each.worst, each.method))


def _standing(method: str, found: Sequence[Scores], best: Mapping[str, float]) -> Standing:
    """found: the suites that have the method; best: the best mean gain by suite."""
    verdicts = [scores.differences.get(method, (None, ""))[1].split(" ")[0] for scores in found]
    # Where nothing gained there is nothing to fall behind.
    regrets = {
        scores.suite: (top - _mean(scores.gains[method])) / top if (top := best[scores.suite]) > 0 else 0.0
        for scores in found
    }
    return Standing(method, regrets, verdicts.count("better"), verdicts.count("worse"))


def profile(found: Across, thresholds: Sequence[float]) -> dict[str, list[float]]:
    """Share of its suites in which a method's regret is at most each threshold, by method."""
    return {
        each.method: [
            float(np.mean(np.array([*each.regrets.values()]) <= threshold + 1e-12)) for threshold in thresholds
        ]
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
