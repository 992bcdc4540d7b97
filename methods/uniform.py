"""Uniform: every task gets the same number of prompts, and the loss is the plain mean.

Source     the reference point of every comparison; the mixture of arXiv 2510.19178
Differs    nothing
Costs      nothing beyond a plain step
Formula    p_k = 1/K ; L = 1/K sum_k L_k
"""

import torch
from torch import Tensor

from methods import TaskSampling


class Uniform(TaskSampling):
    name = "uniform"
    version = 1

    def proportions(self) -> Tensor:
        assert self.run is not None
        return torch.full((self.run.tasks,), 1 / self.run.tasks, dtype=torch.float64)
