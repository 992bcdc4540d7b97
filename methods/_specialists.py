"""Specialists: one model a task, each trained alone from the same start, together at the budget of one model."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from methods import Layout, Stages
from methods._adapters import Products
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


def merged(stages: Stages, tasks: int, scale: float, merge: Callable[[Tensor, Layout], Tensor]) -> Tensor:
    """The start plus `scale` times what `merge` makes of specialists for the whole budget, [P].

    merge: one vector, [P'], of task vectors, [K, P'], in float32 or wider, and their layout. Where the layout has
    adapters, each pair of factors is one tensor, B A, there; the sum is folded back to the adapter's rank.
    """
    start = stages.parameters()
    models = specialists(stages, tasks, int(stages.left)).to(wide(start.dtype))
    products = Products(stages.layout)

    base = products.expanded(start.to(models.dtype)[None])[0]
    vectors = products.expanded(models).sub_(base)
    return products.folded(base + scale * merge(vectors, products.layout)).to(start.dtype)


def references(stages: Stages, tasks: int, steps: int) -> Tensor:
    """Gaps, [K], that specialists have in the last quarter of their steps; all of them cost `steps`.

    The model is left as the last specialist. A task without prompts there has the gap 0.
    """
    start = stages.parameters()
    found = torch.zeros(tasks, dtype=torch.float64)
    for task, shares in enumerate(torch.eye(tasks, dtype=torch.float64)):
        stages.load(start)
        seen = stages.train(steps, lambda step, shares=shares: shares, 1 / tasks)  # type: ignore[misc]
        last = seen[-max(steps // 4, 1) :]
        found[task] = torch.stack([signals.gaps[task] for signals in last]).nanmean().nan_to_num(0.0)
    return found


def in_turn(stages: Stages, order: Sequence[int], steps: int) -> Tensor:
    """Parameters, [P], after `steps` full steps, shared out equally to the tasks, which are trained in that order."""
    alone = torch.eye(len(order), dtype=torch.float64)
    ends = [steps * (place + 1) // len(order) for place in range(len(order))]
    for task, begin, end in zip(order, [0, *ends], ends, strict=False):
        if end > begin:
            trained(stages, stages.parameters(), end - begin, alone[task])
    return stages.parameters()


def scored(stages: Stages, model: Tensor, size: float) -> Tensor:
    """Mean rewards, [K], of a model, [P]."""
    stages.load(model)
    return stages.score(size)


def prompts_of_scores(total: int, spent: int, scores: int, least: int, prompts: int) -> int:
    """Prompts of each of some scores, so that what is left of `total` prompts is whole steps of `prompts`, or nearly.

    spent: prompts of other trainings; least: of a score. What makes no step makes the scores better, up to a step.
    """
    over = (total - spent - scores * least) % prompts
    return min(least + over // scores, prompts)
