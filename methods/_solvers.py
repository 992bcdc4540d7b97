"""Small exact solvers that methods share. They are scale free: tolerances are multiples of rounding."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Array = NDArray[np.float64]

EPSILON = float(np.finfo(np.float64).eps)
NEAR = 1e-8
"""Squared sine between a vector and the others' span below which entries are freed one by one, with more care."""
PIVOTS = 5
"""Exchanges of whole sets that are tried before single entries; one or two are usual."""
ROUNDS = 8
"""Most entries that are tried, as a multiple of K; the hardest problems known need about K."""


def dual_cone_weights(gramian: Tensor, start: Tensor) -> Tensor:
    """The v >= start (elementwise) of least v' M v: sum v_k g_k is `start`'s vector moved into the dual cone.

    gramian: M, [K, K] float64, inner products of g_1 .. g_K, of any rank; start: [K] float64. At the answer
    no g_k opposes the sum: M v >= 0 up to rounding, and v_k > start_k only where (M v)_k = 0. Where M is
    singular v need not be unique; the sum is. Always ends, and v >= start always holds.

    Source: the KKT conditions of the projection onto {d : <g_k, d> >= 0 for all k} (Quinton and Rey 2024,
    arXiv 2406.16232, proposition 1). Exchanging all entries that break one at once (block principal pivoting, Judice
    and Pires 1994) settles nearly every problem. Where it does not, a primal active-set search does: free the entry
    that opposes most, solve the free entries exactly, and fix again those that reach their bound.
    """
    inner, low = gramian.numpy(), start.numpy()
    settled = pivoted(inner, low, np.zeros_like(low))
    if settled is not None:
        return torch.from_numpy(settled)

    added = np.zeros_like(low)
    free: list[int] = []
    barred: set[int] = set()  # entries that cannot grow while `free` is as it is

    for _ in range(ROUNDS * len(low)):
        entry = _most_opposed(inner, low + added, barred.union(free))
        if entry is None:
            break

        moved = _descend(inner, inner @ low, added, [*free, entry])
        if moved is None:
            barred.add(entry)
            continue
        added, free = moved
        barred = set()

    return torch.from_numpy(low + added)


def pivoted(inner: Array, low: Array, wanted: Array) -> Array | None:
    """The v >= low of least v' M v with M v >= wanted, by block principal pivoting; None if it does not settle.

    The set of entries above their bound is guessed, solved for, and corrected wherever it breaks a condition.
    """
    lack = wanted - inner @ low
    free = lack > 0

    for _ in range(PIVOTS):
        chosen = np.flatnonzero(free)
        block = inner[np.ix_(chosen, chosen)]
        solution = _solve(block, lack[chosen], NEAR)
        if solution is None:
            return None

        added = np.zeros_like(low)
        added[chosen] = solution
        weights = low + added
        noise = len(low) * EPSILON * (np.abs(inner) @ np.abs(weights))

        shrunk = free & (added <= 0)
        missed = ~free & (inner @ weights - wanted < -noise)
        if not (shrunk | missed).any():
            return weights
        free = (free & ~shrunk) | missed

    return None


def _most_opposed(inner: Array, weights: Array, closed: set[int]) -> int | None:
    """The entry outside `closed` whose vector opposes the sum most, by cosine; None if none does."""
    slack = inner @ weights
    noise = len(weights) * EPSILON * (np.abs(inner) @ np.abs(weights))
    opposed = [k for k in range(len(weights)) if slack[k] < -noise[k] and k not in closed and inner[k, k] > 0]
    return min(opposed, key=lambda k: float(slack[k] / np.sqrt(inner[k, k])), default=None)


def _descend(inner: Array, linear: Array, added: Array, free: list[int]) -> tuple[Array, list[int]] | None:
    """Minimise s' M s + 2 s' linear over the free entries of s >= 0, from `added`; the last of `free` is new.

    Returns s and the entries still free, or None if the new entry cannot grow: its vector lies in the span of
    the others as far as float64 can tell.
    """
    while free:
        target = _solve(inner[free][:, free], -linear[free])
        current = added[free]
        if target is None or (current[-1] == 0 and target[-1] <= 0):
            return None

        # Go towards the minimum over the free entries until the first of them reaches its bound.
        falling = target <= 0
        ratio = np.where(falling, current / np.where(falling, current - target, 1), 1)
        step = ratio.min()
        added = np.zeros_like(added)
        added[free] = current + step * (target - current)
        if not falling.any():
            return added, free

        stays = ~falling | (ratio > step)
        added[free] *= stays
        free = [k for k, stay in zip(free, stays, strict=True) if stay]

    return added, free


def _solve(block: Array, right: Array, near: float = 0.0) -> Array | None:
    """The x of block x = right; None if the block is not positive definite, or a vector is `near` others' span."""
    try:
        factor = np.linalg.cholesky(block)
    except np.linalg.LinAlgError:
        return None
    if near and (factor.diagonal() ** 2 < near * block.diagonal()).any():
        return None
    return np.asarray(np.linalg.solve(factor.T, np.linalg.solve(factor, right)), dtype=np.float64)
