"""ConicGrad: within a cone around the mean gradient, the direction along which the task that gains least gains most.

Source     Hassanpour et al. 2025, arXiv 2502.00217, from its abstract and a secondary description:
           sciencestack.ai/paper/2502.00217
Differs    solved exactly in every step, where the paper has a closed form for given task weights; the direction is as
           long as the mean gradient (our scale convention); where no direction of the cone serves all tasks, that of
           which the worst task loses least for what the mean gains; gradients that cancel keep equal weights; the
           default of c is ours
Costs      a quadratic program of size K, and 60 more where the cone binds; no extra backward pass
Conflicts  in 38 % of strongly conflicting gradients
Formula    d = argmax_d min_k inner(g_k, d) such that inner(g_0, d) >= c norm(g_0) norm(d) ; norm(d) = norm(g_0) ;
           g_0 = 1/K sum_k g_k

The best direction is that of the shortest vector of the gradients' hull, if that lies in the cone. If not, it lies on
the cone's border: g_0 + e, with e orthogonal to g_0 and |e| = tan(angle) |g_0|, where the least <g_k, g_0 + e> is
largest.
"""

import math

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Settings, Signals, setting
from methods._halfspaces import halfspace_weights

CANCELLED = 1e-14
"""Squared length of the mean gradient, as a part of the mean square of the gradients, that counts as none."""
PARALLEL = 1e-12
"""Squared sine to the mean gradient below which a gradient has no direction of its own."""
HALVINGS = 60
"""Of the interval of levels: as many as float64 has digits, and a few."""


class ConicGradSettings(Settings):
    c: float = setting(0.5, low=0.0, high=1.0, search=(0.1, 0.95), doc="cosine of the cone's angle; 1: the mean only")


class ConicGrad(GramianWeighting):
    name = "conicgrad"
    version = 1
    Settings = ConicGradSettings

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        scale = gramian.norms.max()
        inner = gramian.matrix / scale / scale
        mean = torch.full_like(gramian.norms, 1 / len(inner))
        square = float(mean @ inner @ mean)
        if square <= CANCELLED * float(inner.diagonal().mean()):
            return mean

        chosen = shortest(gramian.cosines, gramian.norms / scale)
        length = math.sqrt(max(float(chosen @ inner @ chosen), 0.0))
        if length == 0 or float(chosen @ inner @ mean) < self.settings.c * length * math.sqrt(square):
            chosen = on_border(inner, self.settings.c)
            length = math.sqrt(float(chosen @ inner @ chosen))
        return chosen * (math.sqrt(square) / length)


def shortest(cosines: Tensor, norms: Tensor) -> Tensor:
    """Weights, [K], of a vector along the shortest of the gradients' hull; zeros where that is zero.

    It is the shortest point that has the same product with every gradient that binds, at least that with the others.
    """
    found, served = halfspace_weights(cosines, torch.zeros_like(norms), norms.min() / norms)
    return found / norms if served else torch.zeros_like(norms)


def on_border(inner: Tensor, c: float) -> Tensor:
    """Weights, [K], of the g_0 + e of the largest level: the least <g_k, g_0 + e>, e orthogonal to g_0.

    inner: Gramian, [K, K], of gradients whose mean g_0 is not zero; c: cosine of the cone's angle, which bounds e. The
    length of the shortest e that reaches a level rises with the level, from 0 at that of g_0.
    """
    products = inner.mean(dim=0)
    square = float(products.mean())
    across = inner - products[:, None] * products / square
    own = across.diagonal() > PARALLEL * inner.diagonal()
    most = math.sqrt(square) * math.sqrt(1 - c * c) / c if c > 0 else math.inf

    norms = across.diagonal()[own].sqrt()
    cosines = across[own][:, own] / norms[:, None] / norms
    low, high = float(products.min()), float(torch.cat([products[~own], products.mean()[None]]).min())
    added = torch.zeros_like(norms)

    for _ in range(HALVINGS if own.any() else 0):
        level = (low + high) / 2
        demand = (level - products[own]) / norms
        found, reached = halfspace_weights(cosines, torch.zeros_like(norms), demand)
        if reached and float(found @ cosines @ found) <= most * most:
            low, added = level, found
        else:
            high = level

    weights = torch.zeros_like(products)
    weights[own] = added / norms
    return weights + (1 - weights @ products / square) / len(weights)
