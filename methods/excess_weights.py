"""Excess weights: exponentiated gradient ascent on how far each task is behind a specialist of its own.

Source     AMA-R of Corrado et al. 2025, arXiv 2506.00569
Differs    the reward gap in place of the preference loss; the specialists' losses are given as a setting, not trained
           here, and are 0, the best there is, if left out; the step size is that of GroupDRO, on whose convergence
           result AMA-R rests
Costs      nothing beyond a plain step, but the specialists must have been trained before

w_k <- w_k exp(eta max(L_k - L*_k, 0)), normalised to sum 1, before each use. Without specialists this is GroupDRO.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting


class ExcessWeightsSettings(Settings):
    step: float = setting(0.01, low=0.0, high=100.0, log=True, search=(0.003, 1.0), doc="eta")
    reference: tuple[float, ...] = setting(
        (),
        low=0.0,
        high=1e6,
        per_task=True,
        doc="L* of each task, in the suite's task order: 1 - the specialist's mean reward (its loss, in SFT); empty: 0",
    )


class ExcessWeights(LossWeighting):
    name = "excess_weights"
    version = 1
    Settings = ExcessWeightsSettings
    state = ("logits",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.reference = torch.tensor(self.settings.reference or (0.0,) * run.tasks, dtype=torch.float64)
        self.logits = torch.zeros(run.tasks, dtype=torch.float64)

    def _after(self, signals: Signals) -> Tensor:
        excess = (signals.gaps - self.reference).clamp(min=0).nan_to_num(0.0)
        logits: Tensor = self.logits + self.settings.step * excess
        return logits.log_softmax(dim=0)

    def weights(self, signals: Signals) -> Tensor:
        return self._after(signals).exp()

    def observe(self, signals: Signals) -> None:
        self.logits = self._after(signals)
