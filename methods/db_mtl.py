"""DB-MTL: average each task's log-loss gradient over the steps, and give all averages the largest one's norm.

Source     Lin et al. 2023, arXiv 2308.12029; exponential mean and defaults of LibMTL, by the authors
Differs    the reward gap, 1 - mean reward, in place of the loss (under SFT it is the loss); the mean of g / gap is
           divided by the mean of 1 / gap: all tasks get one norm anyway, and so it stays that of a gradient; that also
           removes the bias of the first steps (the code's first average is a tenth of the gradient); averages where
           the paper sums (our scale convention); a task without prompts keeps its average; a task whose gap is 0, of
           which there is no log, sits out the step; a task whose average is zero, or rounding beside the largest, is
           left out
Costs      state of one more [K, P], in float32 or wider; a pass that changes it, one for the norms and one for the
           sum; no extra backward pass
Conflicts  in 91 % of strongly conflicting gradients
Formula    m_k <- beta m_k + (1 - beta) nabla log L_k ; d = 1/K sum_k (max_j norm(m_j)) / norm(m_k) m_k

The gradient of log L_k is g_k / L_k. As all averages are scaled to one norm, the log only says which of a task's
steps count more in its average: those with a small gap. A silent task's average shrinks, but the scaling undoes it, so
the task goes on pushing where it last pushed.
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, RunInfo, Settings, Signals, setting
from methods._columns import advance_mean, audible, gramian, weighted_sum


class DBMTLSettings(Settings):
    beta: float = setting(0.9, low=0.0, high=0.999, search=(0.0, 0.98), doc="memory of the averages, first step")
    beta_sigma: float = setting(0.0, low=0.0, high=1.0, search=(0.0, 1.0), doc="the memory falls with step^-sigma")


class DBMTL(GradientCombination):
    name = "db_mtl"
    version = 1
    Settings = DBMTLSettings
    state = ("mean", "mass")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.mean: Tensor | None = None
        self.mass = torch.zeros(run.tasks, dtype=torch.float64)

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        decay = self.settings.beta / (signals.step + 1) ** self.settings.beta_sigma
        gain = (1 - decay) / signals.gaps
        gain = torch.where(gain.isfinite(), gain, 0.0)  # NaN: the task had no prompts; infinite: no gap
        self.mean, self.mass = advance_mean(self.mean, self.mass, gradients, decay, gain)

        inner = gramian(self.mean)
        heard = audible(inner, self.mean.dtype) & (signals.gaps != 0)
        norms = inner.diagonal().sqrt() * heard
        weights = torch.where(heard, norms.max() / norms, 0.0) / len(norms)
        return weighted_sum(self.mean, weights, torch.empty_like(gradients[0]))
