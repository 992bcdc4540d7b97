"""IMTL-G: combine task gradients so that the update has the same projection on each of them.

Source     Liu et al., Towards Impartial Multi-task Learning, ICLR 2021 (IMTL-G)
Differs    gradients of the trained parameters, where the paper takes those of a shared representation; solved on the
           cosines in float64; where the weights that sum to 1 give an update that opposes every task, it is turned
           round; it is never longer than the longest gradient, a bound that binds only if weights are negative; of
           dependent gradients the projections are equal in least squares, and of opposite ones the update is zero
Costs      one eigendecomposition of size K; no extra backward pass
Conflicts  never, of independent gradients
Formula    d = sum_k w_k g_k, sum_k w_k = 1 ; inner(d, g_k) / norm(g_k) = c for all k

<d, u_k> = c for all k and d = sum_k w_k g_k give w_k = c a_k / |g_k| with a = C^+ 1, C the cosines; sum_k w_k = 1 gives
c = 1 / sum_k (a_k / |g_k|). The direction is ConFIG's. Negative a_k of quiet tasks make c negative or as large as you
like. The claim is for independent gradients.
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._spectral import equal_cosine


class IMTLG(GramianWeighting):
    name = "imtl_g"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        unit_weights, _, square = equal_cosine(gramian.cosines)
        if square == 0:
            return unit_weights
        weights = unit_weights / gramian.norms
        longest = square.sqrt() / gramian.norms.max()
        return weights / torch.maximum(weights.sum().abs(), longest)
