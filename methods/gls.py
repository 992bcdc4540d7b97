"""GLS: the loss is the geometric mean of the task losses, so that relative progress counts the same in every task.

Source     Chennupati et al. 2019, arXiv 1904.08492
Differs    the reward gap in place of the loss, in the gradient as well: log L is weighed by 1/K, so the surrogate's
           gradient by 1 / L; weights are normalised to sum 1, which leaves out the factor (prod L)^(1/K); L is an
           exponential mean over steps, with `decay` 0 as published; a task whose gap is 0 gets weight 0
Costs      nothing beyond a plain step
Formula    L = (prod_k L_k)^(1/K) ; nabla L prop sum_k (nabla L_k) / L_k

The gradient of (prod L_k)^(1/K) is proportional to sum_k grad L_k / L_k. A task that is nearly solved weighs much.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import log_loss_weights, smoothed, unknown


class GLSSettings(Settings):
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class GLS(LossWeighting):
    name = "gls"
    version = 1
    Settings = GLSSettings
    state = ("gaps",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.gaps = unknown(run.tasks)

    def _after(self, signals: Signals) -> Tensor:
        return smoothed(self.gaps, signals.gaps, self.settings.decay)

    def weights(self, signals: Signals) -> Tensor:
        gaps = self._after(signals)
        return log_loss_weights(torch.zeros_like(gaps), gaps)

    def observe(self, signals: Signals) -> None:
        self.gaps = self._after(signals)
