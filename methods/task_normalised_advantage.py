"""Task-normalised advantages: after the group baseline, advantages get mean 0 and deviation 1 in each task.

Source     AgentRL, arXiv 2510.04206 (cross-task advantage normalisation)
Differs    standard deviation with ddof 0 over the task's completions of the step; a task whose advantages
           are equal, up to rounding, gets zeros
Costs      nothing beyond a plain step
Formula    A'_i = (A_i - mean_k(A)) / (std_k(A))
"""

import torch
from torch import Tensor

from methods import Rollouts, SampleWeighting


class TaskNormalisedAdvantage(SampleWeighting):
    name = "task_normalised_advantage"
    version = 1

    def advantages(self, rollouts: Rollouts) -> Tensor:
        result = torch.zeros_like(rollouts.advantages)
        for task in torch.unique(rollouts.task):
            mine = rollouts.task == task
            values = rollouts.advantages[mine]

            deviation = values.std(correction=0)
            rounding = 4 * torch.finfo(values.dtype).eps * values.abs().max()
            if deviation > rounding:
                result[mine] = (values - values.mean()) / deviation
        return result
