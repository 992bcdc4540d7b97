"""ForkMerge: fork into branches on different tasks, train each, merge greedily by score, and again.

Source     Jiang et al. 2023, arXiv 2301.12618, Algorithm 1 and the authors' code
Differs    there is no target task: the score is the mean reward over all tasks, on fresh training prompts each time;
           branches are all tasks together and each task alone, none is pruned; a branch is as its last step left it,
           not as its best; a merge must beat the best branch, where the code lets the first weight tried win;
           optimizer and warm-up begin anew in each round. There are no more rounds than can train for as much as
           their scores cost; where that is none, and for one task, it is plain joint training
Costs      all of it out of the budget: with the defaults and K = 5, of 60 steps 20 train the joint branch, 20 the
           specialists, and 20 score; one model a branch in memory
Formula    theta = (sum_b w_b theta_b) / (sum_b w_b) ; w_b = argmax_(w in {0, 1/n bar(w), ..., bar(w)}) score(theta)

Branches in order of score: w_1 = 1. For each next: w_b = the one of {0, 1/grid, ..., 1} * (mean of the weights so
far) whose merged model sum w theta / sum w scores best.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._specialists import specialists, trained
from methods._weights import equal


class ForkMergeSettings(Settings):
    rounds: int = setting(2, low=1, high=1000, search=(1, 4), doc="times to fork and merge, if the budget allows")
    grid: int = setting(3, low=1, high=20, search=(1, 5), doc="weights above 0 that are tried for a branch")
    score: float = setting(
        0.4, low=0.0, high=1.0, search=(0.2, 1.0), doc="least prompts of a score, as a part of a full step; one a task"
    )


class ForkMerge(RunPlan):
    name = "forkmerge"
    version = 1
    Settings = ForkMergeSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        tasks = self.run.tasks
        prompts = self.run.prompts
        scores = tasks + 1 + tasks * self.settings.grid
        least = scores * max(round(self.settings.score * prompts), tasks)

        left = int(stages.left) * prompts  # in prompts, which do not round
        rounds = min(self.settings.rounds, left // (least + max(least, 2 * prompts))) if tasks > 1 else 0
        if rounds == 0:
            return trained(stages, stages.parameters(), int(stages.left), equal(tasks))

        for later in reversed(range(rounds)):
            budget = left // (later + 1)
            steps = (budget - least) // (2 * prompts)
            each = min((budget - 2 * steps * prompts) // scores, prompts)  # what makes no step makes scores better
            self.fork_and_merge(stages, steps, each / prompts)
            left -= 2 * steps * prompts + scores * each

        return stages.parameters()

    def fork_and_merge(self, stages: Stages, steps: int, size: float) -> None:
        """A round, from the model as it is: all branches cost 2 * steps; size: prompts of a score."""
        assert self.run is not None
        tasks = self.run.tasks
        start = stages.parameters()
        joint = trained(stages, start, steps, equal(tasks))
        stages.load(start)
        branches = torch.stack([joint, *specialists(stages, tasks, steps)])

        def score(model: Tensor) -> float:
            stages.load(model)
            return stages.score(size).mean().item()

        stages.load(greedy(branches, score, self.settings.grid))


def greedy(branches: Tensor, score: Callable[[Tensor], float], grid: int) -> Tensor:
    """A weighted mean, [P], of branches [B, P]; it takes B + (B - 1) * grid scores."""
    found = [score(branch) for branch in branches]
    ranked = sorted(range(len(branches)), key=lambda branch: -found[branch])
    weights = torch.zeros(len(branches), dtype=branches.dtype, device=branches.device)
    weights[ranked[0]] = 1
    best = found[ranked[0]]

    for earlier, branch in enumerate(ranked[1:], start=1):
        mean = weights.sum() / earlier
        chosen = weights
        for value in range(1, grid + 1):
            tried = weights.clone()
            tried[branch] = mean * value / grid
            if (reached := score(tried @ branches / tried.sum())) > best:
                best = reached
                chosen = tried
        weights = chosen

    return weights @ branches / weights.sum()
