"""TIES-Merging: of specialists' task vectors, keep the largest entries, elect a sign for each, average who agrees.

Source     Yadav et al. 2023, arXiv 2306.01708, Algorithm 1
Differs    the specialists are trained here, K of them at the budget of one model; adapters are merged as the products B
           A, and folded back to their rank; an entry whose kept values cancel stays 0, where the reference code gives
           it the sign that most other entries have. K equal task vectors t give t in the `density` that is kept, and 0
           elsewhere
Costs      K times the optimizer steps at 1/K of the prompts each; K task vectors in memory, and the selection of their
           largest entries
Formula    theta = theta_0 + scale mean_(k : sign(tau'_k) = gamma) tau'_k ; gamma = sign(sum_k tau'_k) ; tau'_k =
           top(tau_k)

tau'_k: tau_k without all but its largest entries. gamma = sign(sum_k tau'_k).
theta = theta_0 + scale * (mean of the tau'_k whose sign is gamma), entry by entry.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._merging import ties
from methods._specialists import merged


class TiesSettings(Settings):
    density: float = setting(
        0.2, low=0.0, high=1.0, search=(0.05, 0.8), doc="share of a task vector's entries that is kept, and one more"
    )
    scale: float = setting(1.0, low=0.0, high=4.0, search=(0.5, 2.0), doc="factor on the merged task vector")


class Ties(RunPlan):
    name = "ties"
    version = 2
    Settings = TiesSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        return merged(
            stages, self.run.tasks, self.settings.scale, lambda vectors, _: ties(vectors, self.settings.density)
        )
