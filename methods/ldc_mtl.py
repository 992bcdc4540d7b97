"""LDC-MTL: weights are learned so that weighted losses come close to each other, and losses that stand out weigh more.

Source     Xiao et al. 2025, arXiv 2502.08585, the penalised single-level problem; the authors' code
Differs    the reward gap in place of the loss; the distance is the mean over all pairs of tasks, where the paper takes
           neighbours in a fixed order, which a blind benchmark has not; one weight a task in place of a router network
           that sees the inputs; weights of the gradients are normalised to sum 1; the first loss is the mean gap of the
           first steps, a share of the run; L is an exponential mean over steps, with `decay` 0 as published
Costs      nothing beyond a plain step
Formula    min_(theta, xi) sum_k w_k l_k + lambda / (K - 1) sum_(j < k) abs(w_j l_j - w_k l_k) ; w = softmax(xi)

With l_k = L_k / L_k early and w = softmax(xi), both the model and xi lower
sum_k w_k l_k + lambda / (K - 1) sum_{j < k} |w_j l_j - w_k l_k|.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Levels, Logits, equal, part_of_run

ROUNDING = 64 * torch.finfo(torch.float64).eps


class LDCMTLSettings(Settings):
    penalty: float = setting(0.1, low=0.0, high=0.99, search=(0.01, 0.9), doc="lambda; 0: no control of distances")
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate of xi")
    warm_up: float = setting(0.1, low=0.0, high=0.5, search=(0.02, 0.3), doc="share of the run that sets the level")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class LDCMTL(LossWeighting):
    name = "ldc_mtl"
    version = 1
    Settings = LDCMTLSettings
    state = ("levels", "logits")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps)
        self.levels = Levels.none(run.tasks)
        self.logits = Logits.zeros(run.tasks)

    def _after(self, signals: Signals) -> Levels:
        return self.levels.with_step(signals.gaps, self.settings.decay, self.warm_up)

    def _slopes(self, losses: Tensor) -> Tensor:
        """Derivatives of the problem by w_k l_k, [K]: 1, and more for a task that is above others."""
        weighted = self.logits.shares * losses
        above = weighted[:, None] - weighted[None, :]
        sides = above.sign() * (above.abs() > ROUNDING * weighted.max())
        slopes: Tensor = 1 + self.settings.penalty * sides.sum(dim=1) / max(len(losses) - 1, 1)
        return slopes

    def _losses(self, levels: Levels) -> Tensor:
        """l, [K]; NaN for a task without an early level, or without a gap there."""
        early = self.levels.early(self.warm_up)
        return torch.where(early > 0, levels.gaps / early, torch.nan)

    def weights(self, signals: Signals) -> Tensor:
        losses = self._losses(self._after(signals))
        known = ~losses.isnan()
        if not known.any():
            return equal(len(losses))

        early = torch.where(known, self.levels.early(self.warm_up), 1.0)
        weights = self.logits.shares * self._slopes(losses.nan_to_num(1.0)) / early
        return weights / weights.sum()

    def observe(self, signals: Signals) -> None:
        levels = self._after(signals)
        losses = self._losses(levels)
        slopes = self._slopes(losses.nan_to_num(1.0)) * losses  # by w_k; NaN: no say
        self.levels = levels
        if not losses.isnan().all():
            self.logits = self.logits.lowered(slopes, self.settings.rate)
