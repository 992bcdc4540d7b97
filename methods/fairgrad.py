"""FairGrad: the direction of greatest alpha-fair utility of the tasks' first-order progress.

Source     Ban and Ji 2024, arXiv 2402.15638, equation 4: M w = w^(-1/alpha); alpha = 2 in all of the authors' runs
Differs    solved exactly by Newton's method, where the reference code takes bounded least squares; the published length
           does not grow with the gradients, ours is that of the mean gradient's projection on the direction (our scale
           convention); opposes no task, and is zero where no direction serves all
Costs      one convex problem of size K; no extra backward pass
Conflicts  never
Formula    d = sum_k w_k g_k ; (G w)_k = w_k^(-1/alpha)

alpha = 1 is Nash-MTL. Towards 0 it nears the mean gradient, towards infinity the direction of MGDA.
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Settings, Signals, setting
from methods._fairness import fair_weights


class FairGradSettings(Settings):
    alpha: float = setting(
        2.0, low=0.5, high=10.0, search=(0.5, 5.0), log=True, doc="fairness: larger favours the task that gains least"
    )


class FairGrad(GramianWeighting):
    name = "fairgrad"
    version = 2
    Settings = FairGradSettings

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return fair_weights(gramian, self.settings.alpha)
