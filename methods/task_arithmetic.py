"""Task arithmetic: train a specialist for each task, and add what they have learned to the start.

Source     Ilharco et al. 2023, arXiv 2212.04089, section 2 (learning via addition)
Differs    the specialists are trained here, K of them at the budget of one model; adapters are merged as the products B
           A, and folded back to their rank; `scale` is fixed where the paper picks it on held-out data: 0.4, what arXiv
           2306.01708 takes without such data. K equal task vectors t add up to K * scale * t, not to t (our scale
           convention would be scale = 1/K, the mean)
Costs      K times the optimizer steps at 1/K of the prompts each; K task vectors in memory
Formula    theta = theta_0 + scale sum_k tau_k ; tau_k = theta_k - theta_0

theta = theta_0 + scale * sum_k tau_k, tau_k = theta_k - theta_0.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._specialists import merged


class TaskArithmeticSettings(Settings):
    scale: float = setting(0.4, low=0.0, high=2.0, search=(0.1, 1.0), doc="factor on the sum of the task vectors")


class TaskArithmetic(RunPlan):
    name = "task_arithmetic"
    version = 2
    Settings = TaskArithmeticSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        return merged(stages, self.run.tasks, self.settings.scale, lambda vectors, _: vectors.sum(dim=0))
