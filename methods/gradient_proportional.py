"""Gradient-proportional sampling: prompts follow a power of each task's squared gradient norm.

Source     arXiv 2510.19178, appendix C (policy named there; the exact formula is not published)
Differs    p_k is proportional to S_k^q with S an exponential mean of the unbiased squared norm, q < 0 being
           the inverse policy; every task keeps at least `floor`; the first `warm_up` steps are uniform
Costs      nothing beyond a plain step: the norms are measured anyway
Formula    p_k = f + (1 - K f) S_k^q / (sum_j S_j^q) ; S_k <- beta S_k + (1 - beta) norm(g_k)^2
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting
from methods._estimates import ExponentialMean
from methods._weights import equal


class GradientProportionalSettings(Settings):
    exponent: float = setting(
        0.5, low=-2.0, high=2.0, search=(-1.0, 1.0), doc="q: 1 is proportional, negative is inverse"
    )
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of the exponential mean")
    floor: float = setting(0.05, low=0.0, high=0.5, search=(0.01, 0.1), doc="least share a task; at most 1/K")
    warm_up: int = setting(5, low=1, high=1000, doc="uniform steps before the first estimate is used")


class GradientProportional(TaskSampling):
    name = "gradient_proportional"
    version = 1
    Settings = GradientProportionalSettings
    needs = frozenset({"cross_gramian"})
    state = ("squares", "seen")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.squares = ExponentialMean.of(run.tasks)
        self.seen = 0

    def observe(self, signals: Signals) -> None:
        self.squares = self.squares.add(signals.cross_gramian.diagonal(), self.settings.decay)
        self.seen += 1

    def proportions(self) -> Tensor:
        assert self.run is not None
        mean = self.squares.value.nan_to_num(0.0)  # NaN: the task never had an estimate
        if self.seen < self.settings.warm_up or not (mean > 0).any():
            return equal(self.run.tasks)

        # The estimate is unbiased, so it can be negative for a quiet task: its norm is then unresolved, and
        # the smallest resolved one is the most that can be said of it.
        mean = torch.where(mean > 0, mean, mean[mean > 0].min())
        shares: Tensor = (self.settings.exponent * mean.log()).softmax(dim=0)

        floor: float = min(self.settings.floor, 1 / self.run.tasks)
        return floor + (1 - floor * self.run.tasks) * shares
