"""The nearest point of an intersection of half-spaces, from inner products alone. Scale free, like _solvers.py."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods._solvers import EPSILON, ROUNDS, pivoted

Array = NDArray[np.float64]

ROUNDING = 4
"""What counts as rounding, as a multiple of K and of the spacing of float64."""


def halfspace_weights(gramian: Tensor, start: Tensor, demand: Tensor) -> tuple[Tensor, bool]:
    """Weights v of the point sum v_k g_k nearest to sum start_k g_k with <g_k, point> >= demand_k for all k; True.

    gramian: M, [K, K] float64, inner products of g_1 .. g_K, of any rank, none of them zero; start, demand: [K]
    float64; -inf demands nothing. At the answer v >= start, M v >= demand up to rounding, and v_k > start_k only
    where (M v)_k = demand_k. Where M is singular v need not be unique; the point is.

    If no point meets all demands, the weights returned are a proof, and the second value is False: y >= 0 with
    sum y_k g_k = 0 and sum y_k demand_k > 0 (Farkas).

    Source: block principal pivoting settles nearly every problem (see _solvers.py). Where it does not: Goldfarb and
    Idnani 1983, doi 10.1007/BF02591962, section 3, for a unit Hessian. The demand that is missed most is met while
    those already met with equality stay so; one whose multiplier falls to 0 is let go.
    """
    inner, low, wanted = gramian.numpy(), start.numpy(), demand.numpy()
    settled = pivoted(inner, low, wanted)
    if settled is not None:
        return torch.from_numpy(settled), True

    lack = wanted - inner @ low
    added = np.zeros_like(low)
    free = list[int]()
    for _ in range(ROUNDS * len(low)):
        entry = _most_missed(inner, low + added, wanted, free)
        if entry is None:
            break

        proof = _meet(inner, lack, added, free, entry)
        if proof is not None:
            return torch.from_numpy(proof), False

        block = inner[np.ix_(free, free)]
        added[free] = np.maximum(np.linalg.solve(block, lack[free]), 0)  # afresh: rounding does not pile up
    return torch.from_numpy(low + added), True


def _most_missed(inner: Array, weights: Array, wanted: Array, closed: list[int]) -> int | None:
    """The demand outside `closed` that is missed most, in units of its vector; None if all are met."""
    excess = inner @ weights - wanted
    noise = ROUNDING * len(weights) * EPSILON * (np.abs(inner) @ np.abs(weights) + np.abs(wanted))
    missed = np.where(excess < -noise, excess / np.sqrt(inner.diagonal()), 0)
    missed[closed] = 0
    entry = int(missed.argmin())
    return entry if missed[entry] < 0 else None


def _meet(inner: Array, lack: Array, added: Array, free: list[int], entry: int) -> Array | None:
    """Raise the entry until its demand is met with equality, and append it to `free`; changes `added` and `free`.

    Returns the proof if the demand contradicts those of `free`.
    """
    while True:
        pull = np.linalg.solve(inner[np.ix_(free, free)], inner[free, entry])
        height = inner[entry, entry] - inner[entry, free] @ pull  # squared distance to the span of the free vectors
        size = np.sqrt(inner[entry, entry]) + np.abs(pull) @ np.sqrt(inner[free, free])
        outside = height > ROUNDING * len(lack) * EPSILON * size**2

        full = (lack[entry] - inner[entry] @ added) / height if outside else np.inf
        falling = pull > 0
        room = np.where(falling, added[free] / np.where(falling, pull, 1), np.inf)
        step = min(full, room.min(initial=np.inf))

        if step == np.inf:
            proof = np.zeros_like(added)
            proof[[*free, entry]] = [*-pull, 1]
            return np.maximum(proof, 0)

        added[free] -= step * pull
        added[entry] += step
        if step == full:
            free.append(entry)
            return None
        added[free.pop(int(room.argmin()))] = 0
