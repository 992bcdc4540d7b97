"""MT-GRPO sampler: tasks whose prompts often give no signal get more prompts, so that their gradients keep their share.

Source     Ramesh et al. 2026, arXiv 2602.05547, ratio-preserving sampler (the task weights are another method)
Differs    target shares are equal; a step has a fixed number of prompts, so none is resampled and silent ones stay
           in the batch with zero advantage: only the correction of the shares remains; the exponential mean is
           corrected for its start
Costs      nothing beyond a plain step
Formula    p_k prop min(1 / (1 - rho_k), c)

With rho_k the mean share of task k's prompt groups without any advantage, shares are proportional to
m_k = min(1 / (1 - rho_k), cap): until the cap binds, every task expects the same number of groups with advantage.
"""

from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting
from methods._estimates import ExponentialMean


class MTGRPOSamplerSettings(Settings):
    decay: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of the silent share")
    cap: float = setting(5.0, low=1.0, high=1000.0, search=(2.0, 20.0), log=True, doc="most that a share is raised")


class MTGRPOSampler(TaskSampling):
    name = "mt_grpo_sampler"
    version = 1
    Settings = MTGRPOSamplerSettings
    state = ("silent",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.silent = ExponentialMean.of(run.tasks)

    def observe(self, signals: Signals) -> None:
        self.silent = self.silent.add(signals.silent, self.settings.decay)

    def proportions(self) -> Tensor:
        accepted = 1 - self.silent.value.nan_to_num()
        raised = 1 / accepted.clamp(min=1 / self.settings.cap)
        return raised / raised.sum()
