"""RL then distill: train a specialist for each task, then one student on what the specialists answer rightly.

Source     the baseline of that name in Ma et al. 2026, arXiv 2606.30406, from a secondary description: its abstract;
           rejection sampling as in Yuan et al. 2023, arXiv 2308.01825
Differs    the specialists are trained here, K of them at the budget of one model, for half of the run by default; each
           step samples fresh prompts from the specialists, so no completion is used twice; a completion weighs by its
           reward, which is 0 or 1 in most tasks, and counts the same at any length; prompts are shared out equally
Costs      no more passes than a plain step; K + 1 models in memory; K + 1 more warm-ups
Formula    max_theta mean_(y ~ p_k) r(y) log p_theta(y)

The student's step raises the mean of r(y) log p(y_t) over the tokens of completions y of its task's specialist.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._specialists import specialists, trained
from methods._weights import equal


class RLThenDistillSettings(Settings):
    first: float = setting(0.5, low=0.0, high=1.0, search=(0.3, 0.8), doc="share of the budget for the specialists")


class RLThenDistill(RunPlan):
    name = "rl_then_distill"
    version = 1
    Settings = RLThenDistillSettings
    needs = frozenset({"rollouts"})

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        start = stages.parameters()
        steps = int(stages.left)
        shares = equal(self.run.tasks)

        first = min(round(self.settings.first * steps), steps - 1)
        if first < 1:
            return trained(stages, start, steps, shares)

        teachers = specialists(stages, self.run.tasks, first)
        stages.load(start)
        stages.distil(steps - first, teachers, lambda step: shares, own=False)
        return stages.parameters()
