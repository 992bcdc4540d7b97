"""SAMO: take every task's gradient at a point uphill of the mean loss and, by a guess, of its own loss.

Source     Ban, Subramani and Ji 2025, arXiv 2507.07883 (ICCV 2025)
Differs    no task has parameters of its own; one random direction for all tasks, where the released code draws one a
           task; a tensor or task without a slope adds nothing (there 0/0); rho is from the paper's grid, the code has
           0.001, and beta there is 1 - alpha here; identical tasks give their gradient at the uphill point
Costs      two more forward passes and one more backward pass over every task's batch; one more [K, P] buffer
Formula    theta' = theta + rho a_k / norm(a_k) ; a_k = alpha nabla L_0 + (1 - alpha) hat(g)_k ; hat(g)_k prop
           (L_k(theta + mu z) - L_k(theta - mu z)) / (2 mu) z

    ghat_k = (L_k(theta + mu z) - L_k(theta - mu z)) / (2 mu) z,   z normal, then every tensor of ghat_k
             rescaled to the norm of that tensor of grad L_0,      L_0 the mean of the task losses
    ascent_k = rho times the unit vector of  alpha grad L_0 + (1 - alpha) ghat_k
The method inside gets the gradients of L_k at theta + ascent_k. After the rescaling only the sign of the difference
is left of it, so a loss of any scale will do, a GRPO surrogate too: its value at the sampling policy says nothing,
but its difference between theta + mu z and theta - mu z is a slope, as far as clipped ratios leave one.
"""

import torch
from torch import Tensor

from methods import Inner, Layout, Passes, Settings, StepWrapper, setting
from methods._offsets import along, length


class SAMOSettings(Settings):
    rho: float = setting(0.05, low=0.0, high=10.0, search=(0.01, 0.5), log=True, doc="length of the ascent")
    alpha: float = setting(0.5, low=0.0, high=1.0, search=(0.3, 0.7), doc="1: uphill of the mean loss only")
    mu: float = setting(0.01, low=1e-6, high=1.0, search=(1e-4, 0.01), log=True, doc="step of the loss difference")


class SAMO(StepWrapper):
    name = "samo"
    version = 1
    Settings = SAMOSettings
    needs = frozenset({"gradients", "extra_forward", "extra_backward"})

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        rho, alpha, mu = self.settings.rho, self.settings.alpha, self.settings.mu
        wide = torch.promote_types(gradients.dtype, torch.float32)

        shared = along(gradients.sum(dim=0, dtype=wide), 1.0)
        noise = torch.randn(len(shared), dtype=wide, generator=self.generator).to(shared.device)
        rise = passes.losses(lambda task: mu * noise) - passes.losses(lambda task: -mu * noise)
        slope = rise.nan_to_num().sign().tolist()  # NaN: a task without prompts

        own = tensorwise(noise, shared, layout)
        ascend = alpha * shared
        return inner(passes.gradients(lambda task: along(ascend + (1 - alpha) * slope[task] * own, rho)))


def tensorwise(vector: Tensor, model: Tensor, layout: Layout) -> Tensor:
    """`vector` [P] with every tensor at the norm of that tensor of `model` [P]."""
    parts = zip(vector.split(layout.sizes), model.split(layout.sizes), strict=True)  # type: ignore[no-untyped-call]
    return torch.cat([along(part, length(goal)) for part, goal in parts])
