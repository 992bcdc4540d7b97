"""How unequal the tasks' gradients were, from the curves of a run.

Squared norms are the unbiased ones (inner product of two halves of a batch), so they may be negative by
chance; averages over a whole run weigh every window by its steps.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from bench.records.schema import Curves, Record

Norms = Sequence[float | None]
"""Mean unbiased squared gradient norms, one a task; None where it could not be measured."""


def squared_norms(curves: Curves) -> list[float | None]:
    """Mean unbiased squared gradient norm of each task over the whole run, [K]; empty without a step.

    G_k = sum_w n_w g_wk / sum_w n_w over the windows w in which task k was measured, n_w its steps.
    """
    values = _table(curves.squared_norm)
    steps = _window_sizes(curves)
    return [_mean(column, steps) for column in values.T]


def signal_to_noise(record: Record) -> list[float | None]:
    """How much of each task's gradient is not chance, [K]: its squared norm over the variance of a step's estimate.

    As the record says. One from before it did is read from its curves: G / (mean ||g||^2 - G), G the unbiased squared
    norm, ||g||^2 the naive one, whose surplus is the variance. At 1 a step's gradient is as much noise as signal. None
    where either is not positive, or not measured; empty without a step.
    """
    if record.signal_to_noise:
        return [ratio if ratio is not None and ratio > 0 else None for ratio in record.signal_to_noise]

    curves = record.curves
    steps = _window_sizes(curves)
    naive = [_mean(column, steps) for column in _table(curves.naive_squared_norm).T]
    pairs = zip(squared_norms(curves), naive, strict=True)
    return [
        true / (biased - true) if true is not None and biased is not None and 0 < true < biased else None
        for true, biased in pairs
    ]


def pooled_norms(runs: Iterable[Norms]) -> list[float | None]:
    """Mean of squared norms over runs (seeds), task by task, [K]; runs without a norm are left out."""
    stepped = [norms for norms in runs if norms]
    columns = [[norm for norm in column if norm is not None] for column in zip(*stepped, strict=True)]
    return [sum(column) / len(column) if column else None for column in columns]


def norm_ratio(norms: Norms) -> float | None:
    """Largest over smallest mean squared norm, >= 1; a ratio of squares, not of norms.

    None when the smallest is not positive or any is unknown: then noise hides how small it is.
    """
    known = [norm for norm in norms if norm is not None]
    if not known or len(known) < len(norms) or min(known) <= 0:
        return None
    return max(known) / min(known)


def norm_share(norms: Norms) -> list[float | None]:
    """Each task's share of the summed squared norms, [K], in [0, 1], sum 1.

    G_k / sum_j G_j, negative estimates counted as 0; None for unknown ones, and for all if none is positive.
    """
    total = sum(max(0.0, norm) for norm in norms if norm is not None)
    return [max(0.0, norm) / total if norm is not None and total > 0 else None for norm in norms]


def effective_tasks(norms: Norms) -> float | None:
    """Effective number of tasks, (sum G)^2 / sum G^2, between 1 (one task is all) and K (all equal).

    Negative estimates count as 0, unknown ones are left out; None if no norm is positive.
    """
    heard = [norm for norm in norms if norm is not None and norm > 0]
    if not heard:
        return None

    # Relative to the largest, so that no square of a tiny or a huge norm leaves the range of floats.
    parts = [norm / max(heard) for norm in heard]
    return sum(parts) ** 2 / sum(part**2 for part in parts)


def cosines(curves: Curves) -> list[float | None]:
    """Debiased cosine of each pair of task gradients over the run, the strict upper triangle row by row.

    Mean inner product / sqrt(G_i G_j), all three over the windows in which both tasks were measured. A naive
    norm counts noise as length and pulls a cosine to 0; this one does not, and may by chance lie outside
    [-1, 1]. None if a squared norm is not positive.
    """
    norms = _table(curves.squared_norm)
    inner = _table(curves.gramian)
    steps = _window_sizes(curves)

    result: list[float | None] = []
    for pair, (i, j) in enumerate(task_pairs(norms.shape[1])):
        both = _both(norms, i, j)
        first, second = (_mean(norms[both, k], steps[both]) for k in (i, j))
        product = _mean(inner[both, pair], steps[both])
        # The root of a norm that noise made negative is not a length.
        if first is None or second is None or product is None or first <= 0 or second <= 0:
            result.append(None)
        else:
            result.append(product / (first * second) ** 0.5)

    return result


def conflict_rate(curves: Curves) -> float | None:
    """Share of pairs and steps whose task gradients point against each other, in [0, 1].

    A pair conflicts in a window if its inner product is negative there; windows count by their steps, and
    only where both tasks were measured. Unrelated noisy gradients give 0.5, not 0. None without any pair.
    """
    norms = _table(curves.squared_norm)
    inner = _table(curves.gramian)
    steps = _window_sizes(curves)

    against = seen = 0.0
    for pair, (i, j) in enumerate(task_pairs(norms.shape[1])):
        both = _both(norms, i, j)
        against += float(steps[both] @ (inner[both, pair] < 0))
        seen += float(steps[both].sum())

    return against / seen if seen else None


def task_pairs(count: int) -> list[tuple[int, int]]:
    """Pairs (i, j), i < j, in the order of `Curves.gramian`."""
    return [(i, j) for i in range(count) for j in range(i + 1, count)]


def _window_sizes(curves: Curves) -> NDArray[np.float64]:
    return np.diff(np.array([0, *curves.steps], dtype=np.float64))


def _table(points: Sequence[Sequence[float | None]]) -> NDArray[np.float64]:
    """The points as an array, [windows, columns], NaN for None."""
    return np.array(points, dtype=np.float64).reshape(len(points), len(points[0]) if points else 0)


def _both(norms: NDArray[np.float64], i: int, j: int) -> NDArray[np.bool_]:
    """The windows in which both tasks were measured."""
    return ~np.isnan(norms[:, i]) & ~np.isnan(norms[:, j])


def _mean(values: NDArray[np.float64], steps: NDArray[np.float64]) -> float | None:
    known = ~np.isnan(values)
    return float(values[known] @ steps[known] / steps[known].sum()) if known.any() else None
