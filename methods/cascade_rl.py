"""Cascade RL: train on one task after the other, each stage from where the last one ended.

Source     Wang et al. 2025 (Nemotron-Cascade), arXiv 2512.13607, from a secondary description: its abstract
Differs    the order is drawn from the seed, where the paper puts domains in an order of its own: a blind benchmark has
           no names to order by; every task gets the same number of steps, and optimizer and warm-up begin anew with it
Costs      K warm-ups of the learning rate; no more prompts
Formula    theta_j = RL_(pi(j))(theta_(j-1)), j = 1, ..., K

Whatever a later stage undoes of an earlier one stays undone.
"""

import torch
from torch import Tensor

from methods import RunPlan, Stages
from methods._specialists import in_turn


class CascadeRL(RunPlan):
    name = "cascade_rl"
    version = 1

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        order = torch.randperm(self.run.tasks, generator=self.generator).tolist()
        return in_turn(stages, order, int(stages.left))
