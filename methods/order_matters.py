"""Order matters: train the loud tasks first, then reset the optimizer and train all tasks.

Source     Choi et al. 2023, arXiv 2312.06134 (pre-training joint fine-tuning)
Differs    loud tasks go first, where the paper takes those with most data: in RL all tasks have endless prompts, and
           what is uneven is the gradient. A short uniform stage, whose training counts, finds them by mean unbiased
           squared gradient norm; a task without an estimate is not loud, and if no task has one, all are. Half of the
           steps are the first stage, and the second is uniform: the paper tunes both
Costs      two more warm-ups of the learning rate; no more prompts
Formula    p_k = 1 / abs(loud) for k in loud, then p_k = 1/K
"""

import torch
from torch import Tensor

from methods import RunPlan, Settings, Signals, Stages, setting
from methods._specialists import trained
from methods._weights import equal


class OrderMattersSettings(Settings):
    first: float = setting(0.5, low=0.0, high=1.0, search=(0.1, 0.8), doc="share of all steps on loud tasks alone")
    loud: float = setting(
        0.5, low=0.0, high=1.0, search=(0.2, 0.8), doc="share of the tasks that is loud; at least one"
    )
    probe: int = setting(5, low=1, high=1000, doc="uniform steps that find the loud tasks")


class OrderMatters(RunPlan):
    name = "order_matters"
    version = 1
    Settings = OrderMattersSettings
    needs = frozenset({"cross_gramian"})

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        tasks = self.run.tasks
        steps = int(stages.left)
        probe = min(self.settings.probe, steps)
        first = min(round(self.settings.first * steps), steps - probe)
        mixture = equal(tasks)

        seen = stages.train(probe, lambda step: mixture)
        loud = loudest(seen, max(round(self.settings.loud * tasks), 1))
        for count, shares in ((first, loud / loud.sum()), (steps - probe - first, mixture)):
            if count > 0:
                trained(stages, stages.parameters(), count, shares)

        return stages.parameters()


def loudest(seen: list[Signals], count: int) -> Tensor:
    """1 for the `count` tasks of largest squared gradient norm over some steps, and their equals, 0 for others; [K]."""
    norms = torch.stack([signals.cross_gramian.diagonal() for signals in seen]).nanmean(dim=0)
    norms = norms.where(~norms.isnan(), -torch.inf)
    return (norms >= norms.topk(count).values[-1]).double()
