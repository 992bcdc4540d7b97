"""MGDA: the shortest vector of the convex hull of the task gradients.

Source     Desideri 2012; Sener and Koltun 2018, arXiv 1810.04650, equation 3
Differs    solved exactly, where the reference code stops Frank-Wolfe early; with `normalise` the direction is the
           shortest vector of the normalised gradients' hull, as long as the mean gradient's projection on it (Sener
           and Koltun put the weights found for the normalised gradients on the others, which may oppose a task);
           reward gap in place of the loss; opposes no task, and is zero where no direction serves all
Costs      one quadratic program of size K; no extra backward pass
Conflicts  never
Formula    d = sum_k w_k g_k ; w = argmin_(w in Delta) norm(sum_k w_k g_k)^2
"""

from typing import Literal

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Settings, Signals, setting
from methods._halfspaces import halfspace_weights


class MGDASettings(Settings):
    normalise: Literal["none", "l2", "loss", "loss+"] = setting(
        "none", doc="what each gradient is divided by first: nothing, its norm, its task's loss, or both"
    )


class MGDA(GramianWeighting):
    name = "mgda"
    version = 2
    Settings = MGDASettings

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        # The shortest vector d of the hull is the shortest with <g_k, d> >= |d|^2; up to its length, the shortest
        # point with <u_k, d> >= 1 / |g_k| for unit gradients u_k.
        wanted = self._divisors(gramian, signals) / gramian.norms
        found, served = halfspace_weights(gramian.cosines, torch.zeros_like(wanted), wanted / wanted.max())
        if not served:
            return torch.zeros_like(wanted)

        weights = found / gramian.norms
        if self.settings.normalise == "none":
            return weights / weights.sum()
        progress = gramian.norms * (gramian.cosines @ found)
        return weights * progress.mean() / (weights @ progress)

    def _divisors(self, gramian: Gramian, signals: Signals) -> Tensor:
        """What each gradient is divided by, [K']; all 1 if no task with a gradient has a gap."""
        divisors = gramian.norms if self.settings.normalise in ("l2", "loss+") else torch.ones_like(gramian.norms)
        gaps = signals.gaps[signals.gramian.norms > 0]
        if self.settings.normalise in ("loss", "loss+") and gaps.any():
            divisors = divisors * gaps
        return divisors
