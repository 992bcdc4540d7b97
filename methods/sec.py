"""SEC: a bandit whose arms are the tasks and whose reward is the mean absolute advantage.

Source     Chen et al. 2025, Self-Evolving Curriculum, arXiv 2505.14970; rate and temperature as in the scripts of
           arXiv 2602.05547
Differs    the step's prompts follow the policy exactly, where the paper draws the task of each prompt from it
Costs      nothing beyond a plain step
Formula    p = softmax(Q / tau) ; Q_k <- (1 - eta) Q_k + eta bar(abs(A))_k

After every step Q_k <- (1 - rate) Q_k + rate mean |A|_k, from Q_k = 0; shares are softmax(Q / temperature).
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting


class SECSettings(Settings):
    rate: float = setting(0.5, low=0.0, high=1.0, search=(0.1, 0.9), doc="weight of the newest step in Q")
    temperature: float = setting(
        0.2, low=0.01, high=100.0, search=(0.1, 1.0), log=True, doc="of the softmax; larger: nearer to equal shares"
    )


class SEC(TaskSampling):
    name = "sec"
    version = 1
    Settings = SECSettings
    state = ("value",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.value = torch.zeros(run.tasks, dtype=torch.float64)

    def observe(self, signals: Signals) -> None:
        gain = signals.mean_abs_advantage
        rate = self.settings.rate
        self.value = torch.where(gain.isnan(), self.value, (1 - rate) * self.value + rate * gain)

    def proportions(self) -> Tensor:
        shares: Tensor = (self.value / self.settings.temperature).softmax(dim=0)
        return shares
