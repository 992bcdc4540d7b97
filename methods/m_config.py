"""M-ConFIG: the conflict-free direction of the tasks' momenta, at equal cosine to all of them.

Source     Liu et al. 2024, arXiv 2408.11104, Algorithm 1 (M-ConFIG) and equation 2 (ConFIG)
Differs    moves every task's momentum in every step, where the paper visits one task a step to save backward passes:
           on disjoint batches all gradients come with one; leaves the second moment to the harness's optimizer, where
           the paper has its own and steps with plain SGD; averages the projections where the paper sums them (our
           scale convention); solves on the momenta's Gramian; a task without prompts keeps its momentum; a task
           whose momentum is zero, or rounding beside the largest, is left out, where the code makes no update before
           every task has one
Costs      state of one more [K, P], in float32 or wider; a pass that changes it, one for its Gramian and one for the
           sum; no extra backward pass
Conflicts  in 0 % of strongly conflicting gradients
Formula    m_k <- beta m_k + (1 - beta) g_k ; u = M^+ ones ; d = (1/K sum_k inner(m_k, u)) u / norm(u)^2

m_k <- b m_k + (1 - b) g_k, divided by 1 - b^t; the update is along u = M^+ 1, with M the unit momenta, and as long as
the mean of the momenta's projections on u. A silent task's gradient is zero: its momentum shrinks and keeps its say.
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, RunInfo, Settings, Signals, setting
from methods._columns import advance_mean, audible, gramian, weighted_sum
from methods._spectral import config_weights


class MConFIGSettings(Settings):
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of the momenta, beta_1")


class MConFIG(GradientCombination):
    name = "m_config"
    version = 1
    Settings = MConFIGSettings
    state = ("momentum", "mass")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.momentum: Tensor | None = None
        self.mass = torch.zeros(run.tasks, dtype=torch.float64)

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        decay = self.settings.decay
        gain = (1 - decay) * (~signals.losses.isnan()).double()  # NaN: the task had no prompts
        self.momentum, self.mass = advance_mean(self.momentum, self.mass, gradients, decay, gain)

        inner = gramian(self.momentum)
        heard = audible(inner, self.momentum.dtype)
        weights = torch.zeros_like(self.mass)
        if heard.any():
            weights[heard] = config_weights(inner[heard][:, heard]) * heard.double().mean()
        return weighted_sum(self.momentum, weights, torch.empty_like(gradients[0]))
