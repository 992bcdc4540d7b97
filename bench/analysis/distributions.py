"""The few distributions that the analysis asks for, and ranks: `scipy.stats` would take a second to be imported."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri, ndtr, stdtr, stdtrit

Array = NDArray[np.float64]


def student_quantile(level: float, freedom: float) -> float:
    """The value below which a Student-t variable lies with that probability, in (0, 1)."""
    return float(stdtrit(freedom, level))


def student_tail(value: float, freedom: float) -> float:
    """The probability that a Student-t variable is larger."""
    return float(stdtr(freedom, -value))


def normal_below(values: Array) -> Array:
    """The probabilities that a standard normal variable is smaller."""
    return np.asarray(ndtr(values), dtype=np.float64)


def chi_squared_quantiles(levels: Array, freedom: float) -> Array:
    """The values below which a chi-squared variable lies with these probabilities."""
    return np.asarray(chdtri(freedom, 1 - levels), dtype=np.float64)


def ranks(values: ArrayLike) -> Array:
    """Ranks along the first axis, 1 is the smallest; equal values share the mean of theirs."""
    data: NDArray[Any] = np.asarray(values, dtype=np.float64)
    if data.ndim > 1:
        return np.stack([ranks(column) for column in data.T], axis=1)

    _, places, counts = np.unique(data, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return np.asarray((last - (counts - 1) / 2)[places], dtype=np.float64)
