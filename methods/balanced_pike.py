"""Balanced PiKE: PiKE on a tilted mean of the losses, so that tasks with much left to gain weigh more.

Source     Li et al. 2025, arXiv 2502.06244, lemma 3.6 with algorithm 1
Differs    as `pike`; reward gap in place of the loss, as an exponential mean; the weights y_k are K softmax, where
           the lemma has tau softmax, so that equal gaps give 1 each; norms and variances are those of y_k L_k
Costs      nothing beyond a plain step: norms and variances follow from what is measured anyway
Formula    y = K softmax(tau L) ; p_k prop p_k exp(y_k^2 / s (zeta_1 norm(g_k)^2 - zeta_2 sigma_k^2 / (2 b)))

Every `interval` steps y = K softmax(tau gap), the gradient weights of (1 / tau) log sum_k exp(tau L_k), and then the
shares move as PiKE's do, for the losses y_k L_k. A task's loss weight is its share of the prompts times y_k.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, TaskSampling, setting
from methods._estimates import ExponentialMean, GradientMoments, ascended
from methods._weights import equal


class BalancedPiKESettings(Settings):
    tau: float = setting(3.0, low=0.0, high=100.0, search=(1.0, 5.0), doc="0: plain PiKE; larger: nearer to worst case")
    zeta_1: float = setting(1.0, low=0.0, high=100.0, search=(0.1, 10.0), log=True, doc="gain by squared norm")
    zeta_2: float = setting(1.0, low=0.0, high=100.0, search=(0.1, 10.0), log=True, doc="loss by variance")
    interval: int = setting(5, low=1, high=100_000, search=(1, 20), doc="steps between moves of shares and weights")
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of gaps, norms and variances")
    floor: float = setting(
        0.25,
        low=0.0,
        high=1.0,
        search=(0.1, 0.5),
        doc="least share, in equal shares; estimates need two prompts a step",
    )


class BalancedPiKE(TaskSampling, LossWeighting):
    name = "balanced_pike"
    version = 1
    Settings = BalancedPiKESettings
    needs = frozenset({"gramian", "cross_gramian"})
    state = ("moments", "gaps", "tilt", "shares", "seen")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.moments = GradientMoments.of(run.tasks)
        self.gaps = ExponentialMean.of(run.tasks)
        self.tilt = torch.ones(run.tasks, dtype=torch.float64)
        self.shares = equal(run.tasks)
        self.seen = 0

    def observe(self, signals: Signals) -> None:
        assert self.run is not None
        self.moments = self.moments.add(signals, self.run.prompts, self.settings.decay)
        self.gaps = self.gaps.add(signals.gaps, self.settings.decay)
        self.seen += 1
        if self.seen % self.settings.interval == 0:
            self._move(self.run)

    def _move(self, run: RunInfo) -> None:
        gaps = self.gaps.value
        if not gaps.isnan().any():
            self.tilt = run.tasks * (self.settings.tau * gaps).softmax(dim=0)

        zetas = (self.settings.zeta_1, self.settings.zeta_2)
        self.shares = ascended(self.shares, self.moments, self.tilt, zetas, run.prompts, self.settings.floor)

    def proportions(self) -> Tensor:
        return self.shares

    def weights(self, signals: Signals) -> Tensor:
        return signals.shares * self.tilt
