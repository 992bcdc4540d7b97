"""DualProj: the mean gradient, moved as little as possible into the cone of directions that oppose no task.

Source     Lopez-Paz and Ranzato 2017 (GEM), arXiv 1706.08840, equations 8 to 11
Differs    all tasks are alike: the mean gradient is projected, where GEM projects the current task's gradient on
           the cone of past tasks; no margin; exact, so the update opposes no task at any ratio of gradient norms
Costs      one quadratic program of size K; no extra backward pass
Conflicts  never
Formula    d = argmin_d norm(d - g_0)^2 such that inner(g_k, d) >= 0 for all k ; g_0 = 1/K sum_k g_k
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._solvers import dual_cone_weights


class DualProj(GramianWeighting):
    name = "dualproj"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        # In unit gradients u_k = g_k / |g_k| the mean has weights |g_k| / K; cosines keep quiet tasks exact.
        return dual_cone_weights(gramian.cosines, gramian.norms / len(gramian)) / gramian.norms
