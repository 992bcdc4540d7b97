"""PiKE: prompts move to tasks with a large gradient and little noise, by exponentiated gradient.

Source     Li et al. 2025, arXiv 2502.06244, algorithm 1
Differs    norms and variances are divided by the tasks' mean squared gradient norm, so the two coefficients have no
           unit; both are set equal, which is the theory's step size of 1 / smoothness, and 1, as none is published
           in this unit; norms are unbiased exponential means, variances are those of one prompt group; no share
           falls under a floor, and weights move only when every task has estimates
Costs      nothing beyond a plain step: norms and variances follow from what is measured anyway
Formula    p_k prop p_k exp(1/s (zeta_1 norm(g_k)^2 - zeta_2 sigma_k^2 / (2 b)))

Every `interval` steps of b prompts in all, w_k <- w_k exp(zeta_1 |g_k|^2 / s - zeta_2 sigma_k^2 / (2 b s)), then w is
normalised; s is the mean over tasks of the squared norm of a step's gradient, noise and all.
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting
from methods._estimates import GradientMoments, ascended
from methods._weights import equal


class PiKESettings(Settings):
    zeta_1: float = setting(1.0, low=0.0, high=100.0, search=(0.1, 10.0), log=True, doc="gain by squared norm")
    zeta_2: float = setting(1.0, low=0.0, high=100.0, search=(0.1, 10.0), log=True, doc="loss by variance")
    interval: int = setting(5, low=1, high=100_000, search=(1, 20), doc="steps between moves of the shares")
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of norms and variances")
    floor: float = setting(
        0.25,
        low=0.0,
        high=1.0,
        search=(0.1, 0.5),
        doc="least share, in equal shares; estimates need two prompts a step",
    )


class PiKE(TaskSampling):
    name = "pike"
    version = 1
    Settings = PiKESettings
    needs = frozenset({"gramian", "cross_gramian"})
    state = ("moments", "shares", "seen")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.moments = GradientMoments.of(run.tasks)
        self.shares = equal(run.tasks)
        self.seen = 0

    def observe(self, signals: Signals) -> None:
        assert self.run is not None
        self.moments = self.moments.add(signals, self.run.prompts, self.settings.decay)
        self.seen += 1
        if self.seen % self.settings.interval == 0:
            zetas = (self.settings.zeta_1, self.settings.zeta_2)
            plain = torch.ones_like(self.shares)
            self.shares = ascended(self.shares, self.moments, plain, zetas, self.run.prompts, self.settings.floor)

    def proportions(self) -> Tensor:
        return self.shares
