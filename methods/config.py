"""ConFIG: step along the direction that has the same cosine to every task gradient.

Source     Liu et al. 2024, arXiv 2408.11104, equation 2
Differs    averages the projections where the paper sums them (our scale convention); solved on the cosines in float64,
           the same direction at any number of parameters; opposite gradients, which no direction serves, give zero
Costs      one eigendecomposition of size K; no extra backward pass
Conflicts  never, of independent gradients
Formula    u = U^+ ones ; d = (1/K sum_k inner(g_k, u)) u / norm(u)^2

The update is (mean_k <g_k, u>) u with u along U^+ 1, where U has the unit gradients as rows. As U^+ = U' (U U')^+, only
the cosines U U' are needed. The claim is for independent gradients: of dependent ones, U^+ 1 is the least-squares
answer, and can oppose some.
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._spectral import config_weights


class ConFIG(GramianWeighting):
    name = "config"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return config_weights(gramian.matrix)
