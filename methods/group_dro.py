"""GroupDRO: exponentiated gradient ascent on the task losses, towards the task that is worst.

Source     Sagawa et al. 2020, arXiv 1911.08731, Algorithm 1
Differs    the reward gap in place of the loss; all tasks of the step are updated at once, as in the authors' code,
           where Algorithm 1 draws one group; no adjustment for group sizes, the code's default; eta is 0.1, where the
           code has 0.01 for tens of thousands of steps: over a run of 60 that leaves the weights nearly equal
Costs      nothing beyond a plain step
Formula    w_k prop w_k exp(eta L_k)

w_k <- w_k exp(eta L_k), normalised to sum 1, before each use.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting


class GroupDROSettings(Settings):
    step: float = setting(0.1, low=0.0, high=100.0, log=True, search=(0.01, 1.0), doc="eta")


class GroupDRO(LossWeighting):
    name = "group_dro"
    version = 2
    Settings = GroupDROSettings
    state = ("logits",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.logits = torch.zeros(run.tasks, dtype=torch.float64)

    def _after(self, signals: Signals) -> Tensor:
        logits: Tensor = self.logits + self.settings.step * signals.gaps.nan_to_num(0.0)
        return logits.log_softmax(dim=0)

    def weights(self, signals: Signals) -> Tensor:
        return self._after(signals).exp()

    def observe(self, signals: Signals) -> None:
        self.logits = self._after(signals)
