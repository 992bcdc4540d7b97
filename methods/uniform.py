"""Uniform: every task gets the same number of prompts, and the loss is the plain mean.

Source     the reference point of every comparison; the mixture of arXiv 2510.19178
Differs    nothing
Costs      nothing beyond a plain step
"""

from typing import ClassVar

import torch
from torch import Tensor

from methods._base import TaskSampling


class Uniform(TaskSampling):
    name: ClassVar[str] = "uniform"
    version: ClassVar[int] = 1

    def proportions(self) -> Tensor:
        assert self.run is not None
        return torch.full((self.run.tasks,), 1 / self.run.tasks, dtype=torch.float64)
