"""Does the norm of a task's gradient say anything about the task? Rank correlations, within tasks and between them."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.analysis.distributions import ranks as ranks_of
from bench.analysis.distributions import student_tail

EXACT = 7
"""Up to so many pairs the test enumerates all orders."""
TIE = 1e-9
LEVEL = 0.05

Values = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation of n pairs, and its two-sided p value under independence."""

    rho: float | None
    """The correlation, in [-1, 1]; None with fewer than three pairs, or if one side is constant."""
    n: int
    p: float | None
    """Exact, over all orders, for up to 7 pairs; the t approximation beyond. 5 pairs reach 0.017 at best."""

    @property
    def resolved(self) -> bool:
        """Whether the sign can be distinguished from chance."""
        return self.p is not None and self.p < LEVEL

    def __str__(self) -> str:
        if self.rho is None or self.p is None:
            return f"no rank correlation, n = {self.n}"
        return f"rho {self.rho:+.2f}, n = {self.n}, p = {self.p:.2g}"


def spearman(x: Values, y: Values) -> Correlation:
    """Rank correlation of two lists of equal length; ties get mean ranks, pairs with a None are left out."""
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    if len(pairs) < 3:
        return Correlation(None, len(pairs), None)

    first, second = (_centred_ranks(column) for column in zip(*pairs, strict=True))
    rho = _cosine(first, second)
    return Correlation(rho, len(pairs), None if rho is None else _p_value(first, second, rho))


def within(groups: Iterable[tuple[Values, Values]]) -> float | None:
    """Correlation inside groups, in [-1, 1]: x and y are ranked inside each group, and the ranks pooled.

    Groups of more pairs count more. None if no group of at least three pairs varies in both.
    """
    ranks = [_group_ranks(x, y) for x, y in groups]
    known = [pair for pair in ranks if pair is not None]
    if not known:
        return None

    first, second = (np.concatenate(column) for column in zip(*known, strict=True))
    return _cosine(first, second)


def between(groups: Iterable[tuple[Values, Values]]) -> Correlation:
    """Rank correlation of the groups' means over the pairs known in both."""
    means = [_means(x, y) for x, y in groups]
    return spearman([mean[0] for mean in means], [mean[1] for mean in means])


def gain_share(gains: Sequence[float]) -> list[float | None]:
    """Each task's share of the summed gains, [K], in [0, 1]: losses count as 0; None for all if none gained."""
    total = sum(max(0.0, gain) for gain in gains)
    return [max(0.0, gain) / total if total > 0 else None for gain in gains]


def share_distance(first: Values, second: Values) -> float | None:
    """Total variation distance of two lists of shares, in [0, 1]: what would have to move. None if one is unknown."""
    pairs = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
    return sum(abs(a - b) for a, b in pairs) / 2 if pairs and len(pairs) == len(first) else None


def _group_ranks(x: Values, y: Values) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    if len(pairs) < 3:
        return None
    first, second = (_centred_ranks(column) for column in zip(*pairs, strict=True))
    # Divided by the number of pairs, so that long groups count by their pairs and not by the size of their ranks.
    return (first / len(pairs), second / len(pairs)) if first.any() and second.any() else None


def _means(x: Values, y: Values) -> tuple[float | None, float | None]:
    pairs = [(a, b) for a, b in zip(x, y, strict=True) if a is not None and b is not None]
    if not pairs:
        return None, None
    first, second = (sum(column) / len(column) for column in zip(*pairs, strict=True))
    return first, second


def _centred_ranks(values: Sequence[float]) -> NDArray[np.float64]:
    ranks = ranks_of(values)
    return np.asarray(ranks - ranks.mean(), dtype=np.float64)


def _cosine(first: NDArray[np.float64], second: NDArray[np.float64]) -> float | None:
    length = float(np.sqrt((first @ first) * (second @ second)))
    return min(1.0, max(-1.0, float(first @ second) / length)) if length else None


def _p_value(first: NDArray[np.float64], second: NDArray[np.float64], rho: float) -> float:
    count = len(first)
    if count <= EXACT:
        orders = np.array(list(itertools.permutations(second)))
        extreme = np.abs(orders @ first) >= abs(float(first @ second)) - TIE
        return float(extreme.mean())
    if abs(rho) >= 1:
        return 0.0
    return 2 * student_tail(abs(rho) * ((count - 2) / (1 - rho**2)) ** 0.5, count - 2)
