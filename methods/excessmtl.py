"""ExcessMTL: tasks that are further from convergence gain weight, by an estimate of their excess risk.

Source     He et al. 2024, arXiv 2402.02009, equations 6, 7 and 9; step 1 as in the authors' runs
Differs    weights sum to 1 where the code of the paper has them sum to K; no 1e-7 under the root: a coordinate that
           never had a gradient counts 0; the first excess risk of a task is that of the first step in which it has a
           gradient, as in the code, where the paper averages the first epochs; a task without prompts keeps its last
           excess risk
Costs      state of one more [K, P], in float32 or wider; a pass that changes it and a second one over the gradients; no
           extra backward pass
Conflicts  in 99 % of strongly conflicting gradients
Formula    w_k prop w_k exp(eta e_k / e_k^first) ; e_k = sum_x g_(k,x)^2 / H_(k,x) ; H_k = sqrt(sum_t g_(k,t)^2)

H_k = sqrt(sum over steps of g_k^2) by coordinate is AdaGrad's estimate of the curvature. The excess risk
e_k = sum g_k^2 / H_k, relative to the first one (the sum of |g_k|), moves the weights: w_k <- w_k exp(step e_k).
"""

import math

import torch
from torch import Tensor

from methods import GradientCombination, Layout, RunInfo, Settings, Signals, setting
from methods._columns import chunks, weighted_sum, wide


class ExcessMTLSettings(Settings):
    step: float = setting(
        1.0, low=0.0, high=10.0, log=True, search=(0.01, 3.0), doc="step of the exponentiated gradient on weights"
    )


class ExcessMTL(GradientCombination):
    name = "excessmtl"
    version = 2
    Settings = ExcessMTLSettings
    state = ("curvature", "first", "excess", "log_weights")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.curvature: Tensor | None = None
        self.first = torch.zeros(run.tasks, dtype=torch.float64)
        self.excess = torch.zeros(run.tasks, dtype=torch.float64)
        self.log_weights = torch.full((run.tasks,), -math.log(run.tasks), dtype=torch.float64)

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        risk = self._risk(gradients)
        self.first = torch.where(self.first > 0, self.first, risk)
        relative = torch.where(self.first > 0, risk / self.first, 0.0)
        self.excess = torch.where(signals.losses.isnan(), self.excess, relative)  # NaN: the task had no prompts
        self.log_weights = (self.log_weights + self.settings.step * self.excess).log_softmax(dim=0)
        return weighted_sum(gradients, self.log_weights.exp(), torch.empty_like(gradients[0]))

    def _risk(self, gradients: Tensor) -> Tensor:
        """Add the gradients to the curvature, and return sum g^2 / H, [K] float64."""
        if self.curvature is None:
            self.curvature = torch.zeros_like(gradients, dtype=wide(gradients.dtype))

        tiny = torch.finfo(self.curvature.dtype).tiny
        risk = torch.zeros(len(gradients), dtype=torch.float64, device=gradients.device)
        for columns in chunks(gradients):
            rows = gradients[:, columns].to(self.curvature.dtype)
            # the root itself is kept: a square of a small float32 would be 0
            root = torch.hypot(self.curvature[:, columns], rows)
            self.curvature[:, columns] = root
            risk += (rows * (rows / root.clamp(min=tiny))).sum(dim=1)  # 0 / 0 is 0
        return risk.cpu()
