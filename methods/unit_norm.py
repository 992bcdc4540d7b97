"""Unit norm: average the task gradients after scaling all of them to their mean norm.

Source     Li et al. 2025, arXiv 2507.01915 (P-GAPO with p = 1 and equal preferences)
Differs    whole gradients, where the paper takes those of the last layer; times the mean norm of the tasks, where the
           paper's update has no unit; averages where the paper sums (our scale convention)
Costs      nothing beyond a plain step
Conflicts  in 91 % of strongly conflicting gradients
Formula    d = 1/K sum_k bar(n) / norm(g_k) g_k ; bar(n) = 1/K sum_j norm(g_j)
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._weights import at_length


class UnitNorm(GramianWeighting):
    name = "unit_norm"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return at_length(gramian.norms, gramian.norms.mean())
