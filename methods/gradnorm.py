"""GradNorm: weights are learned so that weighted gradient norms are equal, or larger where the loss falls more slowly.

Source     Chen et al. 2018, arXiv 1711.02257, Algorithm 1
Differs    the reward gap in place of the loss, an exponential mean over steps; L(0) is the mean gap of the first steps,
           a share of the run, in which weights are 1/K; weights are a softmax of logits under Adam, so that they stay
           positive and sum to 1, where the paper rescales the weights themselves to sum K; norms are those of the whole
           gradient, not of the last shared layer, and each step's are divided by the largest of them, so that Adam
           hears every step alike at any scale; tasks without a gradient are left out
Costs      nothing beyond a plain step: the norms are measured anyway
Formula    w = softmax(xi) ; xi <- xi - eta nabla_xi sum_k abs(w_k n_k - bar(w n) r_k^alpha) ; n_k = norm(g_k)

The logits lower sum_k |w_k n_k - mean(w n) r_k^alpha|, the mean held constant, with n the gradient norms and
r_k = L_k / L_k(0) over its mean. Weights chosen in a step are used in the next.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Levels, Logits, part_of_run, relative

ROUNDING = 64 * torch.finfo(torch.float64).eps


class GradNormSettings(Settings):
    alpha: float = setting(1.5, low=0.0, high=12.0, search=(0.0, 3.0), doc="0 evens norms; larger favours slow tasks")
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate")
    warm_up: float = setting(0.1, low=0.0, high=0.5, search=(0.02, 0.3), doc="share of the run that sets L(0)")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class GradNorm(LossWeighting):
    name = "gradnorm"
    version = 1
    Settings = GradNormSettings
    needs = frozenset({"gramian"})
    state = ("levels", "logits")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps)
        self.levels = Levels.none(run.tasks)
        self.logits = Logits.zeros(run.tasks)

    def observe(self, signals: Signals) -> None:
        warm = self.levels.steps >= self.warm_up
        self.levels = self.levels.with_step(signals.gaps, self.settings.decay, self.warm_up)
        if warm:
            self.logits = self.logits.lowered(self._slopes(signals.gramian.norms), self.settings.rate)

    def _slopes(self, norms: Tensor) -> Tensor:
        """Derivatives of the sum by the weights, [K]; NaN for a task without a gradient."""
        heard = norms > 0
        norms = norms / norms.max()

        left = relative(self.levels.gaps, self.levels.early(self.warm_up))
        pace = relative(left, left[heard].mean())
        weighted = self.logits.shares * norms
        target = weighted[heard].mean() * pace**self.settings.alpha

        off = weighted - target
        # Where they are equal up to rounding the sign is that of nothing, and Adam would follow it.
        sign = off.sign() * (off.abs() > ROUNDING * len(norms) * target)
        return torch.where(heard, norms * sign, float("nan"))

    def weights(self, signals: Signals) -> Tensor:
        return self.logits.shares
