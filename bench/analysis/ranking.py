"""Orders of methods that say how sure they are: groups and ranks by resolved pairs, shares of wins, profiles.

What is resampled are whole runs (seeds), never tasks: the tasks of one run are not independent. Resampling is
seeded from its own input, so that the same records give the same numbers.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.significance import ALPHA, BySeed

Array = NDArray[np.float64]
Pairs = Mapping[frozenset[str], float]
"""The corrected p-value of each pair of methods, by its two names."""
DRAWS = 2000


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with a 95 % range from resampled runs; low and high are None for a single run."""

    value: float
    low: float | None
    high: float | None


def tie_groups(order: Sequence[str], pairs: Pairs) -> dict[str, int]:
    """Group of every method, from 1: those that no resolved pair tells from the best of their group.

    order: names, best first. A group begins with the best method left; it takes the next ones until one differs from
    it. It compares methods with each other, so that a new method can move a border.
    """
    groups: dict[str, int] = {}
    leader, group = "", 0
    for name in order:
        if not leader or pairs[frozenset((leader, name))] <= ALPHA:
            leader, group = name, group + 1
        groups[name] = group

    return groups


def rank_ranges(order: Sequence[str], pairs: Pairs) -> dict[str, tuple[int, int]]:
    """The ranks that resolved pairs leave open for every method, 1 is best: as many above as are better for certain.

    order: names, best first.
    """
    ranges = {}
    for place, name in enumerate(order):
        above = sum(pairs[frozenset((name, other))] <= ALPHA for other in order[:place])
        below = sum(pairs[frozenset((name, other))] <= ALPHA for other in order[place + 1 :])
        ranges[name] = (1 + above, len(order) - below)

    return ranges


def rank_stability(means: Mapping[str, BySeed]) -> Estimate | None:
    """Kendall's tau-b between the order of the methods and the order when seeds are drawn again, in [-1, 1].

    The mean over draws with its central 95 %, over the seeds that all methods share; 1: the order never changes. None
    for fewer than two methods or shared seeds.
    """
    names = sorted(means)
    seeds = sorted(set.intersection(*(set(means[name]) for name in names))) if names else []
    if len(seeds) < 2 or len(names) < 2:
        return None

    table = np.array([[means[name][seed] for seed in seeds] for name in names])
    # few seeds can be drawn in few ways, and each way needs to be ranked but once
    ways, drawn = np.unique(np.sort(_draws(table, len(seeds)), axis=1), axis=0, return_inverse=True)
    scores = table[:, ways].mean(axis=2)  # [methods, ways]
    taus = kendall(table.mean(axis=1), scores)[drawn]
    low, high = np.quantile(taus, [0.025, 0.975])

    return Estimate(float(taus.mean()), float(low), float(high))


def kendall(first: Array, others: Array) -> Array:
    """Kendall's tau-b of one order, [methods], with each of several, [methods, orders]; 0 where all are tied."""
    i, j = np.triu_indices(len(first), 1)
    own = np.sign(first[i] - first[j])
    signs = np.sign(others[i] - others[j])
    agree = own @ signs
    scale = np.sqrt((own**2).sum() * (signs**2).sum(axis=0))

    return np.asarray(np.divide(agree, scale, out=np.zeros(agree.shape), where=scale > 0), dtype=np.float64)


def probability_of_improvement(gains: Array, reference: Array) -> Estimate:
    """Share of tasks and seeds on which a method gains more than the reference with the same seed; ties count half.

    gains, reference: [seeds, tasks], paired rows.
    """
    wins = (gains > reference) + 0.5 * (gains == reference)
    return _estimate(wins.mean(axis=1))


def performance_profile(gains: Array, thresholds: Sequence[float]) -> list[Estimate]:
    """Share of tasks and seeds whose gain is at least each threshold; gains: [seeds, tasks]."""
    return [_estimate((gains >= threshold).mean(axis=1)) for threshold in thresholds]


def _estimate(by_seed: Array) -> Estimate:
    if len(by_seed) < 2:
        return Estimate(float(by_seed.mean()), None, None)

    means = by_seed[_draws(by_seed, len(by_seed))].mean(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Estimate(float(by_seed.mean()), float(low), float(high))


def _draws(data: Array, count: int) -> NDArray[np.int64]:
    """Indices drawn with replacement, [DRAWS, count]; the seed is the hash of the data."""
    digest = hashlib.sha256(np.ascontiguousarray(data).tobytes()).digest()
    generator = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    return generator.integers(0, count, size=(DRAWS, count))
