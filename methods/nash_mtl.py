"""Nash-MTL: the bargain at which tasks gain in inverse proportion to their weights.

Source     Navon et al. 2022, arXiv 2202.01017, section 3: M a = 1 / a
Differs    solved exactly by Newton's method, every step, where the reference code makes 20 convex-concave steps from
           the last answer; the published direction has length sqrt(K) and is clipped to 1, ours has the length of
           the mean gradient's projection on it (our scale convention; the harness clips); opposes no task, and is
           zero where no direction serves all
Costs      one convex problem of size K; no extra backward pass
Conflicts  never
Formula    d = sum_k w_k g_k ; (G w)_k = 1 / w_k
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._fairness import fair_weights


class NashMTL(GramianWeighting):
    name = "nash_mtl"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return fair_weights(gramian, alpha=1.0)
