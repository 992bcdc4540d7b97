"""CAGrad: near the mean gradient, the direction along which the task that gains least gains most.

Source     Liu et al. 2021, arXiv 2110.14048, equation 3; c = 0.5 in their toy and reinforcement learning runs
Differs    solved exactly, where the reference code calls a general optimiser; divided by 1 + c (our scale convention;
           the reference code has 1 + c^2 as well); of several best directions, the nearest to the mean; may oppose
           a task if c < 1, never if c >= 1
Costs      one cone program of size K; no extra backward pass
Conflicts  in 88 % of strongly conflicting gradients
Formula    d = argmax_d min_k inner(g_k, d) such that norm(d - g_0) <= c norm(g_0) ; g_0 = 1/K sum_k g_k

The direction maximises min_k <g_k, d> over |d - g_0| <= c |g_0|, g_0 the mean gradient.
"""

import math

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Settings, Signals, setting
from methods._halfspaces import halfspace_weights

ROUNDS = 8
"""Most levels that are tried, as a multiple of K; about five are needed."""


class CAGradSettings(Settings):
    c: float = setting(0.5, low=0.0, high=10.0, search=(0.1, 1.0), doc="radius of the ball, in lengths of the mean")


class CAGrad(GramianWeighting):
    name = "cagrad"
    version = 1
    Settings = CAGradSettings

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        norms = gramian.norms / gramian.norms.max()
        c: float = self.settings.c
        return best_in_ball(gramian.cosines, norms / len(norms), 1 / norms, c) / norms / (1 + c)


def best_in_ball(cosines: Tensor, mean: Tensor, scale: Tensor, c: float) -> Tensor:
    """The v of d = sum v_k u_k with the largest t such that <u_k, d> >= t scale_k, within c |g_0| of g_0.

    cosines: [K, K], of unit vectors u_k; mean: [K], g_0 = sum mean_k u_k; scale: [K], 1 / |g_k|.

    The distance from g_0 to the nearest d of level t is convex in t, and its square is quadratic as long as the
    same tasks bind: a root of the piece is tried first, Newton's step on the distance where there is none.
    """
    radius = c * math.sqrt(max(float(mean @ cosines @ mean), 0.0))
    gains = cosines @ mean / scale
    low = float(gains.min())
    level = 0.0
    high = math.inf
    best, _ = halfspace_weights(cosines, mean, level * scale)
    found = best
    was: Tensor | None = None
    binding: Tensor | None = None

    for _ in range(ROUNDS * len(mean)):
        added = found - mean
        distance = math.sqrt(max(float(added @ cosines @ added), 0.0))
        beyond = distance > radius and (level != 0 or c < 1)  # level 0 is within reach if c >= 1, whatever the rounding
        low, high = (low, level) if beyond else (level, high)

        was = binding
        binding = added > 0 if (added > 0).any() else gains == gains.min()
        if was is not None and torch.equal(was, binding):
            break

        root = _level(cosines[binding][:, binding], scale[binding], (gains * scale)[binding], radius)
        if low < root < high:
            level = root
        elif beyond:
            level = max(low, level - (distance - radius) * distance / float(added @ scale))
            binding = None
        else:
            break

        found, reached = halfspace_weights(cosines, mean, level * scale)
        if not reached:
            return best
    return found


def _level(cosines: Tensor, scale: Tensor, gains: Tensor, radius: float) -> float:
    """The largest t at which <u_k, d> = t scale_k for all k is met at that distance from g_0; NaN if none."""
    # Duplicates bind together; the pseudo-inverse meets all of them where they agree.
    inverse = torch.linalg.pinv(cosines, rtol=len(cosines) * torch.finfo(torch.float64).eps, hermitian=True)
    solved = inverse @ torch.stack([scale, gains], dim=1)
    (square, cross), (_, rest) = (torch.stack([scale, gains]) @ solved).tolist()
    inside = cross**2 - square * (rest - radius**2)
    return (cross + math.sqrt(inside)) / square if inside >= 0 and square > 0 else math.nan
