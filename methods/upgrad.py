"""UPGrad: project each task gradient onto the cone of directions that oppose no task, then average.

Source     Quinton and Rey 2024, arXiv 2406.16232, section 3
Differs    no regularisation of the Gramian: the quadratic programs are solved on cosines, an exact change of
           variables, by an active-set method in float64, so the guarantee holds at any norm ratio
Costs      K quadratic programs of size K; no extra backward pass
Conflicts  never
Formula    d = 1/K sum_k P_C(g_k) ; C = {d : inner(d, g_j) >= 0 for all j}
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Signals
from methods._solvers import dual_cone_weights


class UPGrad(GramianWeighting):
    name = "upgrad"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        norms = gramian.norms
        # In unit gradients u_k = g_k / |g_k| the constraint w >= e_k becomes v >= |g_k| e_k, v = w |g|.
        starts = torch.diag(norms)
        projected = torch.stack([dual_cone_weights(gramian.cosines, start) for start in starts])
        return (projected / norms).mean(dim=0)
