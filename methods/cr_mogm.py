"""CR-MOGM: smooth the weights that a method chooses over steps, so that one noisy batch moves them little.

Source     Zhou et al. 2022, On the Convergence of Stochastic Multi-Objective Gradient Manipulation and Beyond
Differs    alpha is constant, where the paper's theorem lets it rise to 1 as the learning rate falls; its default is
           TorchJD's; the mean begins with the first weights, as in TorchJD; a silent task gets no weight in that
           step, and its mean stays as it is
Costs      nothing beyond the method inside
Formula    w_t = alpha w_(t-1) + (1 - alpha) w(g_1, ..., g_K)

    w_t = alpha w_(t-1) + (1 - alpha) (the method's weights at step t)
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, StepWrapper, setting


class CRMOGMSettings(Settings):
    alpha: float = setting(0.9, low=0.0, high=1.0, search=(0.5, 0.99), doc="memory of the weights; 0: no smoothing")


class CRMOGM(StepWrapper):
    name = "cr_mogm"
    version = 1
    Settings = CRMOGMSettings
    needs_weights = True
    state = ("average",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.average = torch.full((run.tasks,), float("nan"), dtype=torch.float64)

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        alpha, heard = self.settings.alpha, signals.gramian.norms > 0
        before = torch.where(self.average.isnan(), weights, self.average)
        self.average = torch.where(heard, alpha * before + (1 - alpha) * weights, self.average)
        return torch.where(heard, self.average, 0.0)
