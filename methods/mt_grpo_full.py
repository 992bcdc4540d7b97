"""MT-GRPO full: learned weights share out the prompts, silent groups are filtered out, and shares make up for them.

Source     Ramesh et al. 2026, arXiv 2602.05547: task weights and ratio-preserving sampler together
Differs    a step has a fixed number of prompts, so silent groups are not drawn again: a task's loss is the mean over
           its groups with advantage, and it is weighed by z_k, as in a batch that was filled up; improvement and Adam
           as in `mt_grpo`, the correction of the shares as in `mt_grpo_sampler`
Costs      nothing beyond a plain step
Formula    p_k prop z_k min(1 / (1 - rho_k), c) ; z = softmax(xi) ; xi <- Adam(xi, nabla_xi sum_k z_k s_k)

z = softmax(xi) as in `mt_grpo`. Prompts are shared out in proportion to z_k min(1 / (1 - rho_k), cap), with rho_k the
mean share of task k's groups without advantage.
"""

import torch
from torch import Tensor

from methods import LossWeighting, Rollouts, RunInfo, SampleWeighting, Settings, Signals, TaskSampling, setting
from methods._estimates import ExponentialMean, at_least
from methods._improvement import after_step
from methods._weights import Logits, unknown


class MTGRPOFullSettings(Settings):
    level: float = setting(
        0.2, low=0.0, high=1e3, search=(0.0, 1.2), doc="lambda: 0 evens improvement, larger turns to the worst reward"
    )
    clip: float = setting(0.2, low=0.0, high=1.0, search=(0.05, 0.5), doc="largest improvement of a step that counts")
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate of xi")
    weight_decay: float = setting(1e-5, low=0.0, high=1.0, log=True, search=(1e-5, 1e-2), doc="pulls xi to 0")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean reward")
    memory: float = setting(0.9, low=0.0, high=0.999, search=(0.5, 0.98), doc="memory of the silent share")
    cap: float = setting(5.0, low=1.0, high=1000.0, search=(2.0, 20.0), log=True, doc="most that a share is raised")
    floor: float = setting(0.1, low=0.0, high=1.0, search=(0.0, 0.5), doc="least share of prompts, in equal shares")


class MTGRPOFull(TaskSampling, SampleWeighting, LossWeighting):
    name = "mt_grpo_full"
    version = 1
    Settings = MTGRPOFullSettings
    state = ("rewards", "logits", "silent")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.rewards = unknown(run.tasks)
        self.logits = Logits.zeros(run.tasks)
        self.silent = ExponentialMean.of(run.tasks)

    def proportions(self) -> Tensor:
        accepted = 1 - self.silent.value.nan_to_num()
        raised = self.logits.shares / accepted.clamp(min=1 / self.settings.cap)
        return at_least(raised / raised.sum(), self.settings.floor / len(raised))

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        """Zero for groups without advantage; the others make up for them, so that a task's mean is over these."""
        loud = torch.zeros(int(rollouts.group.max()) + 1, device=rollouts.group.device, dtype=torch.bool)
        loud[rollouts.group[rollouts.advantages != 0]] = True
        kept = loud[rollouts.group].double()

        tasks = int(rollouts.task.max()) + 1
        drawn = torch.bincount(rollouts.task, minlength=tasks)
        left = torch.bincount(rollouts.task, weights=kept, minlength=tasks).clamp(min=1)
        weights = kept * (drawn / left)[rollouts.task] * super().token_weights(rollouts)
        return weights.to(rollouts.advantages.dtype)

    def weights(self, signals: Signals) -> Tensor:
        return self.logits.shares

    def observe(self, signals: Signals) -> None:
        chosen = self.settings
        self.silent = self.silent.add(signals.silent, chosen.memory)
        self.rewards, self.logits = after_step(
            self.rewards,
            self.logits,
            signals,
            level=chosen.level,
            clip=chosen.clip,
            decay=chosen.decay,
            rate=chosen.rate,
            weight_decay=chosen.weight_decay,
        )
