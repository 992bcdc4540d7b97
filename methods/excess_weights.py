"""Excess weights: train a specialist for each task, then move prompts to tasks that are far behind theirs.

Source     AMA-R of Corrado et al. 2025, arXiv 2506.00569
Differs    the reward gap in place of the preference loss; weights are shares of the prompts; the specialists are
           trained here, K of them for a part of the budget, and L* is the mean gap of the last quarter of their
           steps; the step size is ours, as for `group_dro`
Costs      a part of the budget, half by default, trains the specialists, which are thrown away; a second warm-up
Formula    w_k prop w_k exp(eta max(L_k - L_k^*, 0))

w_k <- w_k exp(eta max(L_k - L*_k, 0)), normalised to sum 1, after each step of the joint training.
"""

import torch
from torch import Tensor

from methods import RunPlan, Settings, Signals, Stages, setting
from methods._specialists import references
from methods._weights import equal


class ExcessWeightsSettings(Settings):
    step: float = setting(0.1, low=0.0, high=100.0, log=True, search=(0.01, 1.0), doc="eta")
    first: float = setting(0.5, low=0.0, high=1.0, search=(0.2, 0.6), doc="share of the budget for the specialists")


class ExcessWeights(RunPlan):
    name = "excess_weights"
    version = 2
    Settings = ExcessWeightsSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        start = stages.parameters()
        steps = int(stages.left)
        best = torch.zeros(self.run.tasks, dtype=torch.float64)

        # Where there is no step for the specialists, the best there is has no gap.
        first = min(round(self.settings.first * steps), steps - 1)
        if first > 0:
            best = references(stages, self.run.tasks, first)

        logits = equal(self.run.tasks).log()

        def ascend(signals: Signals) -> None:
            nonlocal logits
            excess = (signals.gaps - best).clamp(min=0).nan_to_num(0.0)
            logits = (logits + self.settings.step * excess).log_softmax(dim=0)

        stages.load(start)
        stages.train(steps - max(first, 0), lambda step: logits.exp(), observe=ascend)
        return stages.parameters()
