"""Orders of methods that say how sure they are: exact tests, tie groups, rank intervals, profiles.

What is resampled are whole runs (seeds), never tasks: the tasks of one run are not independent. Resampling is
seeded from its own input, so that the same records give the same numbers.
"""

import hashlib
import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t as student

from bench.analysis.statistics import paired_differences

Array = NDArray[np.float64]
BySeed = Mapping[int, float]
FEWEST_SEEDS = 6
"""Below it the exact test cannot reach 5 %: its smallest p-value is 2 / 2^n."""
MOST_SEEDS = 20
DRAWS = 2000
ALPHA = 0.05


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with a 95 % range from resampled runs; low and high are None for a single run."""

    value: float
    low: float | None
    high: float | None


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Exact two-sided p-value of paired differences: the share of all 2^n sign patterns whose mean is as far from 0.

    None for fewer than 6 or more than 20 differences. ValueError if one is not finite.
    """
    data = np.array(differences, dtype=np.float64)
    if not np.isfinite(data).all():
        raise ValueError("a difference is not finite; a run without a result counts as gain 0")
    if not FEWEST_SEEDS <= len(data) <= MOST_SEEDS:
        return None

    # All 2^n signed sums, doubled by each value.
    sums = np.zeros(1)
    for value in data:
        sums = np.concatenate([sums + value, sums - value])

    observed = abs(data.sum())
    return float((np.abs(sums) >= observed - 1e-12 * np.abs(data).sum()).mean())


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment of p-values in [0, 1]: below 0.05 at a family-wise error of 5 %."""
    adjusted = dict[str, float]()
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted[name] = largest
    return {name: adjusted[name] for name in p_values}


def paired_p(values: BySeed, reference: BySeed) -> float:
    """Two-sided p-value of the mean paired difference: exact from 6 common seeds, Student's t below; 1 with one."""
    differences = np.array(list(paired_differences(values, reference).values()))
    if (exact := sign_flip_p(differences.tolist())) is not None:
        return exact
    if len(differences) < 2:
        return 1.0

    deviation = differences.std(ddof=1)
    # Equal differences have no spread: t is infinite, or 0 / 0 where all of them are 0.
    if deviation == 0:
        return 1.0 if differences.mean() == 0 else 0.0

    statistic = abs(differences.mean()) / (deviation / math.sqrt(len(differences)))
    return float(2 * student.sf(statistic, len(differences) - 1))


def tie_groups(means: Mapping[str, BySeed]) -> dict[str, int]:
    """Group of every method, from 1: those that cannot be told from the best of their group (Holm, 5 %).

    means: one number a run, by method and seed. A group begins with the best method left; it takes the others, best
    first, until one differs. It compares methods with each other, so that a new method can move a border.
    """
    left = sorted(means, key=lambda name: (-_mean(means[name]), name))

    groups: dict[str, int] = {}
    while left:
        tied = _tied_with_first(left, means)
        groups |= dict.fromkeys(tied, max(groups.values(), default=0) + 1)
        left = left[len(tied) :]

    return groups


def _tied_with_first(names: Sequence[str], means: Mapping[str, BySeed]) -> list[str]:
    leader, *others = names
    adjusted = holm({name: paired_p(means[name], means[leader]) for name in others})
    return [leader, *itertools.takewhile(lambda name: adjusted[name] > ALPHA, others)]


def rank_intervals(means: Mapping[str, BySeed]) -> dict[str, tuple[int, int] | None]:
    """95 % range of each method's rank (1 is best) when seeds are drawn again, over the seeds that all share.

    None for all if they share fewer than two.
    """
    names = sorted(means)
    seeds = sorted(set.intersection(*(set(means[name]) for name in names))) if names else []
    if len(seeds) < 2:
        return dict.fromkeys(names, None)

    table = np.array([[means[name][seed] for seed in seeds] for name in names])
    draws = _draws(table, len(seeds))
    scores = table[:, draws].mean(axis=2)  # [methods, draws]
    ranks = np.array([1 + (scores > own + 1e-12).sum(axis=0) for own in scores])
    low, high = np.quantile(ranks, [0.025, 0.975], axis=1, method="nearest")

    return {name: (int(low[row]), int(high[row])) for row, name in enumerate(names)}


def probability_of_improvement(gains: Array, reference: Array) -> Estimate:
    """How often a run gains more than the reference's run of the same seed, over tasks and seeds; ties count half.

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


def _mean(values: BySeed) -> float:
    return sum(values.values()) / len(values)
