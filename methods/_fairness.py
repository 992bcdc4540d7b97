"""Alpha-fair directions: what Nash-MTL and FairGrad have in common. Scale free, like _solvers.py."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from methods._halfspaces import halfspace_weights
from methods._signals import Gramian
from methods._solvers import EPSILON

Array = NDArray[np.float64]

ROUNDS = 60
"""Most Newton steps; the hardest problems known need half as many."""
CONVERGED = 1e-8
"""A Newton step of this relative size leaves its square."""


def fair_weights(gramian: Gramian, alpha: float) -> Tensor:
    """The w > 0 with M w = w^(-1/alpha), [K], times one factor; zeros if no direction serves all tasks.

    The direction d = sum w_k g_k maximises sum_k <g_k, d>^(1 - alpha) / (1 - alpha) - |d|^2 / 2, with logarithms
    at alpha = 1. The factor <g_0, d> / |d|^2, g_0 the mean gradient, makes d as long as the projection of g_0 on it:
    of degree 1 in the gradients, and g for K identical gradients g.
    """
    norms = gramian.norms / gramian.norms.max()
    # For unit gradients u_k = g_k / |g_k|, v = w |g| and y_k = <u_k, d>: y = C v and v = (h / y)^alpha.
    cosines = gramian.cosines
    scale = norms ** (1 / alpha - 1)

    found, served = halfspace_weights(cosines, torch.zeros_like(norms), scale)
    if served and _resolved((cosines @ found).numpy(), found.numpy()):
        found = torch.from_numpy(_newton(cosines.numpy(), scale.numpy(), alpha, found.numpy()))
        progress = cosines @ found
        if progress.min() > 0:
            return found / norms * (norms @ progress) / len(norms) / (found @ progress)

    return torch.zeros_like(norms)


def _newton(inner: Array, scale: Array, alpha: float, found: Array) -> Array:
    """The v with y = C v and v = (h / y)^alpha; found: any v with C v > 0.

    Newton's method on the problem in y, with steps that cannot leave y > 0 or climb: the curvature of each term
    grows by at most (1 - t rho)^-(alpha + 1) over a part t of the step, rho the largest relative fall of a y_k.
    """
    last = np.inf
    y = inner @ found
    y = y * ((scale**alpha @ y ** (1 - alpha)) / (found @ y)) ** (1 / (1 + alpha))  # the best point of its ray

    for _ in range(ROUNDS):
        implied = (scale / y) ** alpha
        if not _resolved(y, implied):
            break

        root = np.sqrt(implied / y)
        hessian = root[:, None] * inner * root + np.eye(len(y)) / alpha
        found = root * np.linalg.solve(hessian, root * y * (1 + 1 / alpha))
        change = inner @ found / y - 1
        size = (1 + alpha) * np.abs(change).max()
        if size < CONVERGED or (last < 0.1 and size > last / 2):  # the second: rounding is reached
            break

        fall = max(-change.min(), np.finfo(np.float64).tiny)
        step = min(-np.expm1(-np.log1p(alpha * fall) / alpha), 0.99) / fall
        y = y * (1 + step * change)
        last = size

    return np.asarray(found, dtype=np.float64)


def _resolved(y: Array, v: Array) -> bool:
    """Whether y = C v is above 0 by more than the rounding of cosines."""
    return bool(y.min() > EPSILON * np.abs(v).sum())
