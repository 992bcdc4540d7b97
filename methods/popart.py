"""PopArt: advantages are divided by a running deviation of their task's rewards, not by that of their group.

Source     van Hasselt et al. 2016, arXiv 1602.07714; for several tasks Hessel et al. 2018, arXiv 1809.04474
Differs    there is no value head whose output must be preserved: the group's mean reward is the baseline, and only the
           scale is left of the method; moments are corrected for their start; decay 0.9, for runs of tens of steps,
           where the papers move by 3e-4 a step
Costs      nothing beyond a plain step
Formula    A_i = (r_i - mean(r)) / sigma_k ; sigma_k^2 = nu_k - mu_k^2

A_i = (r_i - mean of its group) / sigma_k, with sigma_k^2 = nu_k - mu_k^2 from exponential means of rewards and of their
squares, this step's included, and at least 1e-4.
"""

import torch
from torch import Tensor

from methods import Rollouts, RunInfo, SampleWeighting, Settings, setting
from methods._advantages import centred
from methods._estimates import ExponentialMean

LEAST = 1e-4
"""The least sigma, the papers' bound."""


class PopArtSettings(Settings):
    decay: float = setting(0.9, low=0.0, high=0.9999, search=(0.5, 0.99), doc="memory of the moments of the rewards")


class PopArt(SampleWeighting):
    name = "popart"
    version = 1
    Settings = PopArtSettings
    state = ("means", "squares")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.means = ExponentialMean.of(run.tasks)
        self.squares = ExponentialMean.of(run.tasks)

    def advantages(self, rollouts: Rollouts) -> Tensor:
        rewards = rollouts.rewards.double().cpu()
        task = rollouts.task.cpu()
        tasks = [task == each for each in range(len(self.means.total))]
        means = torch.stack([rewards[mine].mean() for mine in tasks])  # NaN: a task without completions
        squares = torch.stack([rewards[mine].square().mean() for mine in tasks])
        self.means = self.means.add(means, self.settings.decay)
        self.squares = self.squares.add(squares, self.settings.decay)

        variance = self.squares.value - self.means.value.square()
        sigma = variance.clamp(min=LEAST**2).sqrt().to(rollouts.advantages.device)
        return (centred(rollouts) / sigma[rollouts.task]).to(rollouts.advantages.dtype)
