"""DWA: tasks whose loss fell least from the last epoch but one to the last weigh most.

Source     Liu et al. 2019, arXiv 1803.10704
Differs    the reward gap in place of the loss; an epoch is a part of the run's steps; weights sum to 1, the paper's
           sum to K; a task whose mean gap was 0 counts as unchanged
Costs      nothing beyond a plain step
Formula    w = softmax(r / T) ; r_k = L_k^(e-1) / L_k^(e-2)

w = softmax(r / T), r_k = L_k(last epoch) / L_k(the epoch before); 1/K in the first two epochs.
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import mean_of, part_of_run, relative, tallied, unknown


class DWASettings(Settings):
    temperature: float = setting(2.0, low=0.01, high=100.0, log=True, search=(0.1, 5.0), doc="T: larger is more equal")
    epoch: float = setting(0.1, low=0.0, high=0.5, search=(0.03, 0.2), doc="share of the run that makes an epoch")


class DWA(LossWeighting):
    name = "dwa"
    version = 1
    Settings = DWASettings
    state = ("sums", "steps", "last", "before")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.epoch = part_of_run(self.settings.epoch, run.steps)
        self.sums = torch.zeros(2, run.tasks, dtype=torch.float64)
        self.steps = 0
        self.last = unknown(run.tasks)
        self.before = unknown(run.tasks)

    def observe(self, signals: Signals) -> None:
        self.sums = tallied(self.sums, signals.gaps)
        self.steps += 1

        if self.steps == self.epoch:
            mean = mean_of(self.sums)
            absent = mean.isnan()
            self.before = torch.where(absent, self.before, self.last)
            self.last = torch.where(absent, self.last, mean)
            self.sums = torch.zeros_like(self.sums)
            self.steps = 0

    def weights(self, signals: Signals) -> Tensor:
        logits: Tensor = relative(self.last, self.before) / self.settings.temperature
        return logits.softmax(dim=0)
