"""How many times louder: a ratio of two means, and what the seeds say about it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bench.analysis.distributions import student_quantile
from bench.analysis.statistics import LEVEL
from bench.analysis.text import amount


@dataclass(frozen=True, slots=True)
class Ratio:
    """Mean of one list over mean of another, with Fieller's interval over the seeds that have both."""

    value: float | None
    """None if the denominator's mean is not positive."""
    low: float
    """-inf and inf where the denominator cannot be distinguished from zero, or with a single seed."""
    high: float

    @property
    def bounded(self) -> bool:
        """Whether the interval says anything."""
        return math.isfinite(self.low) and math.isfinite(self.high)

    def __str__(self) -> str:
        if self.value is None:
            return "not resolved"
        return f"{amount(self.value)} [{amount(self.low)}, {amount(self.high)}]" if self.bounded else amount(self.value)


def ratio(top: Sequence[float], bottom: Sequence[float]) -> Ratio:
    """Ratio of means of paired values, one pair a seed, with a 95 % interval by Fieller (1954).

    The interval is exact for normal values: all r for which mean(top - r bottom) cannot be distinguished from zero.
    """
    a = float(np.mean(top))
    b = float(np.mean(bottom))
    n = len(top)
    if b <= 0:
        return Ratio(None, -math.inf, math.inf)
    if n < 2:
        return Ratio(a / b, -math.inf, math.inf)

    # The ends are the roots of (mean(top) - r mean(bottom))^2 = t^2 var / n, a quadratic in r.
    scale = student_quantile((1 + LEVEL) / 2, n - 1) ** 2 / n
    (aa, ab), (_, bb) = scale * np.cov(top, bottom)
    square = b * b - bb
    half = a * b - ab
    constant = a * a - aa
    root = half * half - square * constant
    # The bottom cannot be distinguished from zero, so that no ratio is too large.
    if square <= 0 or root < 0:
        return Ratio(a / b, -math.inf, math.inf)

    low, high = ((half + sign * math.sqrt(root)) / square for sign in (-1, 1))
    return Ratio(a / b, float(low), float(high))
