"""Omni-Thinker: measure what training on each task does to the others, then train them in the order that forgets least.

Source     Li et al. 2025, arXiv 2507.14783, from a secondary description: its abstract
Differs    backward transfer is the change of a task's mean reward after a short training on another, from the same
           start, where the paper takes it from earlier runs; the order has the largest sum of transfers from later to
           earlier tasks, the best of all orders up to 7 tasks and of one made greedily beyond; every task gets the same
           number of steps; where the budget has no room for the pilots it is plain joint training
Costs      pilots and scores come out of the budget: of 60 steps, with K = 5, 12 train pilots and about 2 score; 2 K
           more warm-ups
Formula    pi = argmax_pi sum_(i after j) B_(i,j) ; B_(i,j) = R_j(theta_i) - R_j(theta_0)

B_ij: reward of task j after training on i, less that of the start. Task i is trained after j where B_ij is large.
"""

from collections.abc import Sequence
from functools import partial
from itertools import permutations

import torch
from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._specialists import in_turn, prompts_of_scores, scored, trained
from methods._weights import equal

MOST = 7
"""Tasks whose orders are all tried."""


class OmniThinkerSettings(Settings):
    pilot: float = setting(0.2, low=0.0, high=0.9, search=(0.1, 0.4), doc="share of the budget that trains pilots")
    score: float = setting(
        0.4, low=0.0, high=1.0, search=(0.2, 1.0), doc="least prompts of a score, as a part of a full step; one a task"
    )


class OmniThinker(RunPlan):
    name = "omni_thinker"
    version = 1
    Settings = OmniThinkerSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        tasks = self.run.tasks
        prompts = self.run.prompts
        total = int(stages.left) * prompts

        pilots = max(round(self.settings.pilot * int(stages.left)), 1)
        least = max(round(self.settings.score * prompts), tasks)
        if tasks == 1 or pilots * prompts + (tasks + 1) * least + prompts > total:
            return trained(stages, stages.parameters(), int(stages.left), equal(tasks))

        start = stages.parameters()
        size = prompts_of_scores(total, pilots * prompts, tasks + 1, least, prompts) / prompts
        transfer = self.transfers(stages, start, pilots, size)
        stages.load(start)
        return in_turn(stages, best_order(transfer), int(stages.left + 1e-6))

    def transfers(self, stages: Stages, start: Tensor, steps: int, size: float) -> Tensor:
        """B, [K, K]; size: prompts of a score, as a part of a step."""
        before = scored(stages, start, size)
        rows = []
        for alone in torch.eye(len(before), dtype=torch.float64):
            model = trained(stages, start, steps, alone, 1 / len(before))
            rows.append(scored(stages, model, size) - before)
        return torch.stack(rows)


def best_order(transfer: Tensor) -> list[int]:
    """The order of tasks with the largest sum of transfer[i, j] over pairs where i comes after j."""
    gains = transfer.tolist()
    tasks = range(len(gains))
    if len(gains) <= MOST:
        return list(max(permutations(tasks), key=partial(_kept, gains)))

    order = list[int]()
    for task in tasks:
        tried: list[list[int]] = [[*order[:place], task, *order[place:]] for place in range(len(order) + 1)]
        order = max(tried, key=partial(_kept, gains))
    return order


def _kept(gains: list[list[float]], order: Sequence[int]) -> float:
    return sum(gains[later][earlier] for place, later in enumerate(order) for earlier in order[:place])
