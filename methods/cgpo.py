"""CGPO: in each round update on one task after the other, in random order, then go a little further that way.

Source     "Curvature-Guided Policy Optimization", ICLR 2026 (not Meta's Constrained GPO); the published description
Differs    each task is sampled by the model that the earlier tasks of the round left, not all by the one before the
           round; the factor |D_k| / sum |D| on a task's gradient is left out, as all tasks have as many prompts and
           AdamW does not see a common factor
Costs      K times the optimizer steps, each at the suite's learning rate and with 1/K of the prompts: no more prompts,
           but AdamW can go alpha K times as far as in the full steps of other methods; one copy of the parameters
Formula    phi_k = AdamW(phi_(k-1), g_(pi(k))), phi_0 = theta ; theta <- phi_0 + alpha (phi_K - phi_0)

With pi a random order of the tasks: phi_0 = theta, phi_k = AdamW(phi_{k-1}, g_pi(k)),
theta <- phi_0 + alpha (phi_K - phi_0). AdamW's moments go on through the rounds.
"""

import torch
from torch import Tensor

from methods import RunPlan, Settings, Stages, setting


class CGPOSettings(Settings):
    alpha: float = setting(1.2, low=0.0, high=4.0, search=(0.8, 1.6), doc="how far to go; 1: where the round ended")


class CGPO(RunPlan):
    name = "cgpo"
    version = 1
    Settings = CGPOSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        tasks = self.run.tasks
        rounds = int(stages.left)
        order = torch.cat([torch.randperm(tasks, generator=self.generator) for _ in range(rounds)])
        alone = torch.eye(tasks, dtype=torch.float64)
        before = stages.parameters()

        def extrapolate(step: int) -> None:
            nonlocal before
            if (step + 1) % tasks == 0:
                before = before.lerp(stages.parameters(), self.settings.alpha)
                stages.load(before)

        stages.train(rounds * tasks, lambda step: alone[order[step]], 1 / tasks, extrapolate)
        return before
