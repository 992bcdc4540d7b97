"""GradOPS: a task gradient that opposes others keeps only what is orthogonal to all of them; then average.

Source     Zhu et al. 2025, arXiv 2503.03438 (WSDM 2025), from a secondary description: chatpaper.com/paper/117886
Differs    averages where the paper sums (our scale convention); no reweighting of the projected gradients, the paper's
           alpha = 0; a gradient that opposes no other stays as it is; solved on the cosines in float64, where the paper
           orthonormalises the gradients one after the other
Costs      K pseudo-inverses of size K - 1; no extra backward pass
Conflicts  never
Formula    d = 1/K sum_i g'_i ; g'_i = g_i - P_i g_i if min_j inner(g_i, g_j) < 0 ; P_i onto span {g_j : j != i}

With S_i the span of the other gradients, g_i' = g_i - P(S_i) g_i, whose product with every g_j but g_i is 0.
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._spectral import ROUNDING, spectrum


class GradOPS(GramianWeighting):
    name = "gradops"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        cosines = gramian.cosines
        kept = [orthogonal(cosines, task) for task in range(len(cosines))]
        return torch.stack(kept).T @ gramian.norms / gramian.norms / len(cosines)


def orthogonal(cosines: Tensor, task: int) -> Tensor:
    """Weights on unit gradients, [K], of a unit gradient without its part in the span of the others.

    It stays as it is where it opposes none of them; zeros where nothing of it is left.
    """
    weights = torch.zeros_like(cosines[task])
    weights[task] = 1
    if cosines[task].min() >= 0:
        return weights

    others = torch.arange(len(cosines)) != task
    values, vectors = spectrum(cosines[others][:, others])
    weights[others] = -vectors @ (vectors.T @ cosines[task, others] / values)

    square = weights @ cosines @ weights
    left = square > len(cosines) * ROUNDING * weights.abs().sum() ** 2
    return weights if left else torch.zeros_like(weights)
