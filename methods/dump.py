"""DUMP: tasks are sampled by an upper confidence bound of their mean absolute advantage.

Source     Wang et al. 2025, arXiv 2504.09710, equation 3 and algorithm 1
Differs    each completion counts at the mean |A| of its task in that step; prompts follow the shares exactly, where the
           paper draws them
Costs      nothing beyond a plain step
Formula    p = softmax(u / tau) ; u_k = bar(abs(A))_k + sqrt((2 ln(N + 1)) / (n_k + 1))

UCB_k = (mean |A| of the last `window` completions of task k) + sqrt(2 ln(N + 1) / (n_k + 1)), with n_k completions of
task k so far and N of all; shares are softmax(UCB / temperature). A task without completions so far has mean 0.
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting


class DUMPSettings(Settings):
    window: int = setting(
        300, low=1, high=1_000_000, search=(64, 2048), log=True, doc="newest completions of a task that count"
    )
    temperature: float = setting(
        0.1, low=0.01, high=100.0, search=(0.05, 1.0), log=True, doc="of the softmax; larger: nearer to equal shares"
    )


class DUMP(TaskSampling):
    name = "dump"
    version = 2
    Settings = DUMPSettings
    state = ("drawn", "counts", "gains")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.drawn = torch.zeros(run.tasks, dtype=torch.float64)
        # The window, newest step first: completions of each task in a step, and their mean |A|; [steps, K] both.
        self.counts = torch.zeros(0, run.tasks, dtype=torch.float64)
        self.gains = torch.zeros(0, run.tasks, dtype=torch.float64)

    def observe(self, signals: Signals) -> None:
        assert self.run is not None
        gain = signals.mean_abs_advantage
        count = torch.where(gain.isnan(), 0, signals.shares * self.run.prompts * self.run.rollouts)
        self.drawn = self.drawn + count

        counts = torch.cat([count[None], self.counts])
        gains = torch.cat([gain.nan_to_num()[None], self.gains])
        newer = counts.cumsum(dim=0) - counts
        inside = counts.minimum((self.settings.window - newer).clamp(min=0))
        used = inside.any(dim=1)
        self.counts = inside[used]
        self.gains = gains[used]

    def proportions(self) -> Tensor:
        mean = (self.counts * self.gains).sum(dim=0) / self.counts.sum(dim=0)
        bonus = (2 * self.drawn.sum().log1p() / (self.drawn + 1)).sqrt()
        shares: Tensor = ((mean.nan_to_num() + bonus) / self.settings.temperature).softmax(dim=0)
        return shares
