"""MoCo: track every task's gradient over the steps, and move the weights towards the least norm of their sum.

Source     Fernando et al. 2023, arXiv 2210.12624, Algorithm 1; the settings of LibMTL
Differs    tracked gradients are divided by the weight they have gathered, so that the first is not half of itself; the
           step on the weights is divided by the mean squared norm of tracked gradients, so that it has no unit;
           gradients are tracked as they are, where the code scales them to the norm of their loss, and weights are
           projected as in the paper, where the code takes a softmax; the authors' own benchmark has beta, gamma and rho
           of 0.1, none of which falls; a task without prompts keeps what it tracks; a task whose tracked gradient is
           zero, or rounding beside the largest, has weight 1/K and does not enter
Costs      state of one more [K, P], in float32 or wider; a pass that changes it, one for its Gramian and one for the
           sum; no extra backward pass
Conflicts  in 98 % of strongly conflicting gradients
Formula    y_k <- y_k - beta_t (y_k - g_k) ; w <- Pi_Delta(w - gamma_t (Y Y^T + rho I) w) ; d = Y^T w

y_k <- y_k - beta_t (y_k - g_k), w <- the simplex's nearest point to w - gamma_t (Y Y' + rho) w, and the update is Y' w.
A silent task's gradient is zero and moves y_k towards zero: that is what the expected gradient is made of.
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, RunInfo, Settings, Signals, setting
from methods._columns import advance_mean, audible, gramian, weighted_sum
from methods._simplex import project_simplex
from methods._weights import equal


class MoCoSettings(Settings):
    beta: float = setting(0.5, low=0.001, high=1.0, search=(0.05, 1.0), doc="rate of the tracked gradients, first step")
    beta_sigma: float = setting(0.5, low=0.0, high=1.0, search=(0.0, 1.0), doc="the rate falls with step^-sigma")
    gamma: float = setting(0.1, low=0.0, high=10.0, log=True, search=(0.01, 1.0), doc="step of the weights, first step")
    gamma_sigma: float = setting(0.5, low=0.0, high=1.0, search=(0.0, 1.0), doc="that step falls with step^-sigma")
    rho: float = setting(0.0, low=0.0, high=10.0, search=(0.0, 1.0), doc="pull towards equal weights")


class MoCo(GradientCombination):
    name = "moco"
    version = 1
    Settings = MoCoSettings
    state = ("tracked", "mass", "weights")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.tracked: Tensor | None = None
        self.mass = torch.zeros(run.tasks, dtype=torch.float64)
        self.weights = equal(run.tasks)

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        step = signals.step + 1
        rate = self.settings.beta / step**self.settings.beta_sigma
        gain = rate * (~signals.losses.isnan()).double()  # NaN: the task had no prompts
        self.tracked, self.mass = advance_mean(self.tracked, self.mass, gradients, 1 - rate, gain)

        inner = gramian(self.tracked)
        heard = audible(inner, self.tracked.dtype)
        if heard.any():
            self._improve(inner[heard][:, heard], heard, self.settings.gamma / step**self.settings.gamma_sigma)
        return weighted_sum(self.tracked, self.weights * heard, torch.empty_like(gradients[0]))

    def _improve(self, inner: Tensor, heard: Tensor, rate: float) -> None:
        """A projected step on w' (M / scale + rho) w / 2, for the K' tasks that are heard; the others keep 1/K."""
        share = heard.double().mean()
        weights = self.weights[heard] / share
        slope = inner @ weights / inner.diagonal().mean() + self.settings.rho * weights
        self.weights = torch.full_like(self.weights, 1 / len(heard))
        self.weights[heard] = share * project_simplex(weights - rate * slope)
