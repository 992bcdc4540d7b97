"""When a difference counts: tests of paired differences over seeds, corrected for how many are looked at.

One rule holds on every page, in the terminal and in every export. The p-value of one difference is Student's below six
seeds and exact, from sign flips, from six on. A family of differences is corrected by Holm's method below six seeds.
From six on, Holm over exact p-values cannot reach 5 %: with 6 seeds the smallest is 2 / 2^6, and thirteen methods make
it 0.41. There, all differences of a family flip their signs together, and the largest statistic of the family decides
(Westfall and Young, 1993, step-down), which controls the same error and keeps the power.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.analysis.distributions import student_tail
from bench.analysis.statistics import paired_differences

Array = NDArray[np.float64]
BySeed = Mapping[int, float]
FEWEST_SEEDS = 6
"""Below it the exact test cannot reach 5 %: its smallest p-value is 2 / 2^n."""
MOST_SEEDS = 20
FLIPS = 4096
"""Most sign patterns of a family; with more than 12 seeds they are drawn, else they are all."""
ALPHA = 0.05
"""The error that a family may make: one false difference in twenty families."""


def sign_flip_p(differences: Sequence[float]) -> float | None:
    """Exact two-sided p-value of paired differences: the share of all 2^n sign patterns whose mean is as far from 0.

    None for fewer than 6 or more than 20 differences. ValueError if one is not finite.
    """
    data = np.array(differences, dtype=np.float64)
    _check(differences)
    if not FEWEST_SEEDS <= len(data) <= MOST_SEEDS:
        return None

    # All 2^n signed sums, doubled by each value.
    sums = np.zeros(1)
    for value in data:
        sums = np.concatenate([sums + value, sums - value])

    observed = abs(data.sum())
    return float((np.abs(sums) >= observed - 1e-12 * np.abs(data).sum()).mean())


def difference_p(differences: BySeed) -> float:
    """Two-sided p-value of one mean difference: exact from 6 seeds, Student's t below; 1 with one seed."""
    data = list(differences.values())
    count = len(data)
    if count >= FEWEST_SEEDS and (exact := sign_flip_p(data)) is not None:
        return exact

    _check(data)
    if count < 2:
        return 1.0

    # In plain numbers: a suite of 200 methods has 20,000 pairs, and an array of five costs more than its sums.
    mean = math.fsum(data) / count
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in data) / (count - 1))
    # Equal differences have no spread: t is infinite, or 0 / 0 where all of them are 0.
    if deviation == 0:
        return 1.0 if mean == 0 else 0.0

    return 2 * student_tail(abs(mean) / (deviation / math.sqrt(count)), count - 1)


def _check(differences: Sequence[float]) -> None:
    if not all(map(math.isfinite, differences)):
        raise ValueError("a difference is not finite; a run without a result counts as gain 0")


def paired_p(values: BySeed, reference: BySeed) -> float:
    """The p-value of `difference_p` for two methods, over the seeds that both have."""
    return difference_p(paired_differences(values, reference))


def adjusted(family: Mapping[str, BySeed]) -> dict[str, float]:
    """The corrected p-value of every difference of a family: at most 5 % means that it counts.

    family: differences by seed, one mapping a comparison. Where all have the same seeds, at least six, by `step_down`,
    else by Holm over `difference_p`.
    """
    seeds = {tuple(sorted(differences)) for differences in family.values()}
    if len(seeds) != 1 or len(next(iter(seeds))) < FEWEST_SEEDS:
        return holm({name: difference_p(differences) for name, differences in family.items()})

    order = next(iter(seeds))
    table = np.array([[differences[seed] for seed in order] for differences in family.values()], dtype=np.float64)
    return dict(zip(family, step_down(table).tolist(), strict=True))


def holm(p_values: Mapping[str, float]) -> dict[str, float]:
    """Holm's step-down adjustment of p-values in [0, 1]: below 0.05 at a family-wise error of 5 %."""
    adjusted_p = dict[str, float]()
    largest = 0.0
    for rank, name in enumerate(sorted(p_values, key=lambda name: (p_values[name], name))):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[name]))
        adjusted_p[name] = largest

    return {name: adjusted_p[name] for name in p_values}


def step_down(table: Array) -> Array:
    """Corrected p-values of differences, [comparisons], by the largest statistic over sign flips of whole seeds.

    table: [comparisons, seeds]. The statistic |sum d| / sqrt(sum d^2) grows with |t|, and a flip leaves its denominator
    as it is. A comparison's p is the share of flips whose largest statistic, over it and all with smaller ones, is as
    large as its own; it is never below that of a larger statistic. ValueError if a difference is not finite.
    """
    _check(table.ravel().tolist())

    length = np.sqrt((table**2).sum(axis=1))
    unit = np.divide(table, length[:, None], out=np.zeros_like(table), where=length[:, None] > 0)
    observed = np.abs(unit.sum(axis=1))
    order = np.argsort(-observed, kind="stable")

    # From the smallest statistic up, the running maximum of a flip is over what is left when the larger are set aside.
    reached = np.zeros(len(table))
    signs = _flips(table.shape[1])
    for block in np.array_split(signs, max(1, len(signs) // 256)):
        largest = np.maximum.accumulate(np.abs(block @ unit[order].T)[:, ::-1], axis=1)[:, ::-1]
        reached += (largest >= observed[order] - 1e-12).sum(axis=0)

    result = np.empty(len(table))
    result[order] = np.maximum.accumulate(reached / len(signs))
    return result


def _flips(seeds: int) -> Array:
    """Sign patterns, [patterns, seeds]: all, or FLIPS of them with the observed one; always the same."""
    if 2**seeds <= FLIPS:
        bits = (np.arange(2**seeds)[:, None] >> np.arange(seeds)) & 1
        return np.asarray(1.0 - 2.0 * bits, dtype=np.float64)

    drawn = np.random.Generator(np.random.PCG64(seeds)).integers(0, 2, size=(FLIPS - 1, seeds))
    return np.concatenate([np.ones((1, seeds)), 1.0 - 2.0 * drawn])
