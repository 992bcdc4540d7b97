"""Specialists: one model a task, each trained alone from the same start, together at the budget of one model."""

import torch
from torch import Tensor

from methods import Stages
from methods._columns import wide


def trained(stages: Stages, start: Tensor, steps: int, shares: Tensor, size: float = 1.0) -> Tensor:
    """Parameters, [P], after so many steps from `start`, [P]; shares: [K], of the prompts of every step."""
    stages.load(start)
    stages.train(steps, lambda step: shares, size)
    return stages.parameters()


def specialists(stages: Stages, tasks: int, steps: int) -> Tensor:
    """Models [K, P] from the parameters as they are, model k trained on task k alone; all of them cost `steps`.

    A step has 1/K of the prompts of a full one, so each task gets the prompts that it has in a uniform mixture.
    """
    start = stages.parameters()
    alone = torch.eye(tasks, dtype=torch.float64)
    return torch.stack([trained(stages, start, steps, shares, 1 / tasks) for shares in alone])


def task_vectors(stages: Stages, tasks: int) -> tuple[Tensor, Tensor]:
    """The start, [P], and what specialists add to it, [K, P] in float32 or wider, for the whole budget."""
    start = stages.parameters()
    models = specialists(stages, tasks, int(stages.left))
    return start, models.to(wide(start.dtype)).sub_(start)
