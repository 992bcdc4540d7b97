"""MoDoMoDo: score a few mixtures of the tasks, fit a quadratic to the scores, and train on its best mixture.

Source     Liang et al. 2025, arXiv 2505.24871, from a secondary description: its abstract
Differs    pilots are short trainings from the same start and part of the budget, where the paper trains each in full;
           mixtures are the equal one and one for each task that gives it half of the prompts; the quadratic is fitted
           by ridge regression on all its terms, around the equal mixture's score; the score is the mean reward over all
           tasks on fresh training prompts; where the budget has no room for the pilots it is plain joint training
Costs      pilots and scores come out of the budget: of 60 steps, with K = 5, 18 train pilots and about 2 score; K + 1
           more warm-ups
Formula    w^* = argmax_(w in Delta) (a + b^T w + w^T C w)

score(w) = a + b'w + w'Cw; the mixture is the best point that projected ascent on the simplex finds from any pilot.
"""

import torch
from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._simplex import project_simplex
from methods._specialists import prompts_of_scores, scored, trained
from methods._weights import equal

STEPS = 200
"""Steps of the ascent; of length RATE over the largest curvature."""
RATE = 0.5


class MoDoMoDoSettings(Settings):
    pilot: float = setting(0.3, low=0.0, high=0.9, search=(0.1, 0.5), doc="share of the budget that trains pilots")
    ridge: float = setting(1e-3, low=1e-9, high=1e3, log=True, search=(1e-5, 1e-1), doc="shrinks the fitted terms")
    score: float = setting(
        0.4, low=0.0, high=1.0, search=(0.2, 1.0), doc="least prompts of a score, as a part of a full step; one a task"
    )


class MoDoMoDo(RunPlan):
    name = "modomodo"
    version = 1
    Settings = MoDoMoDoSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        tasks = self.run.tasks
        prompts = self.run.prompts
        total = int(stages.left) * prompts

        each = max(round(self.settings.pilot * int(stages.left) / (tasks + 1)), 1)
        spent = each * (tasks + 1) * prompts
        least = max(round(self.settings.score * prompts), tasks)
        if tasks == 1 or spent + (tasks + 1) * least + prompts > total:
            return trained(stages, stages.parameters(), int(stages.left), equal(tasks))

        start = stages.parameters()
        size = prompts_of_scores(total, spent, tasks + 1, least, prompts) / prompts
        mixtures = torch.cat([equal(tasks)[None], 0.5 * torch.eye(tasks, dtype=torch.float64) + 0.5 / tasks])
        models = (trained(stages, start, each, mixture) for mixture in mixtures)
        scores = torch.stack([scored(stages, model, size).mean() for model in models])
        return trained(stages, start, int(stages.left + 1e-6), best_mixture(mixtures, scores, self.settings.ridge))


def best_mixture(mixtures: Tensor, scores: Tensor, ridge: float) -> Tensor:
    """The mixture, [K], with the highest fitted score, from mixtures [N, K] and their scores, [N].

    Ridge regression on 1, w_k and w_j w_k is that of the kernel (1 + v'w)^2.
    """

    def kernel(points: Tensor) -> Tensor:
        return (1 + points @ mixtures.T).square()

    # Scores that differ by rounding alone say nothing, and the ascent must not make much of it.
    gains = (scores - scores[0]).round(decimals=9)
    penalty = ridge * torch.eye(len(scores), dtype=scores.dtype)
    shares = torch.linalg.solve(kernel(mixtures) + penalty, gains)

    points = mixtures.clone()
    curvature = torch.linalg.matrix_norm((mixtures.T * shares) @ mixtures, ord=2)
    for _ in range(STEPS if curvature > 0 else 0):
        slope = (2 * (1 + points @ mixtures.T) * shares) @ mixtures
        points = torch.stack([project_simplex(point) for point in points + RATE / curvature * slope])
    return points[(kernel(points) @ shares).argmax()]
