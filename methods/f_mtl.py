"""F-MTL: balance the task gradients, and beside them how each rises on the way to its worst near point.

Source     Phan et al. 2022, arXiv 2211.13723 (ICCV 2025)
Differs    no task has parameters of its own, so all are shared; rho is that of SAM (arXiv 2010.01412), because the
           released code's, 2, is for its default, an adaptive ascent that scales with the parameters; a task without
           a gradient has no direction of ascent, and no flat part; identical tasks give their gradient at the worst
           near point, which is g at rho 0 only; under RL the loss near by is the clipped surrogate
Costs      a second forward and backward pass over every task's batch; two more [K, P] buffers; two solves
Formula    d = A(g_1, ..., g_K) + A'(f_1, ..., f_K) ; f_k = nabla L_k(theta + rho g_k / norm(g_k)) - g_k

For each task k:  ascent_k = rho g_k / |g_k|,  flat_k = (gradient of L_k at theta + ascent_k) - g_k.
The direction is A(g_1 .. g_K) + A'(flat_1 .. flat_K), where A' is a second copy of the method A with its own state.
A flat part is a difference of near gradients: the smaller rho is, the more of it is the rounding of the two.
"""

from torch import Tensor

from methods import Inner, Layout, Passes, Settings, StepWrapper, setting
from methods._offsets import along


class FMTLSettings(Settings):
    rho: float = setting(0.05, low=0.0, high=10.0, search=(0.005, 0.5), log=True, doc="length of the ascent")


class FMTL(StepWrapper):
    name = "f_mtl"
    version = 1
    Settings = FMTLSettings
    needs = frozenset({"gradients", "extra_backward"})

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        near = passes.gradients(lambda task: along(gradients[task], self.settings.rho))
        flat = near - gradients
        flat[~gradients.any(dim=1)] = 0  # nowhere to ascend: the difference is rounding
        return inner(gradients) + inner(flat, twin=True)
