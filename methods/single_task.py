"""Single task: one model a task, trained on that task alone, with the prompts that it has under uniform.

Source     the specialists that every paper on multi-task learning compares with; K trainings, no formula
Differs    nothing; the result is K models, and model k is evaluated on task k
Costs      K models to keep and to serve; K times the optimizer steps at 1/K of the prompts each, so no more in all
Formula    theta_k = argmin_theta L_k(theta), k = 1, ..., K

What normalised gain divides by: the gain of a task when it shares its model with no other.
"""

from torch import Tensor

from methods import RunPlan, Stages
from methods._specialists import specialists


class SingleTask(RunPlan):
    name = "single_task"
    version = 1

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        return specialists(stages, self.run.tasks, int(stages.left))
