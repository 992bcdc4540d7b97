"""What is left of a method's choice after the optimizer: AdamW evens out much of what a gradient says.

Two cosines a step, both against the plain mean over prompts: that of the gradient which the method chose, and
that of the move which AdamW makes of it. Both moves start from the same optimizer state.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from bench.engine.gradients import TaskGradients, local, norm_of

COLUMNS = 1 << 22
"""Elements at a time: several float64 copies of them are held."""


def cosines_to_mean(
    gradients: TaskGradients, gramian: Tensor, shares: Tensor, max_norm: float | None, optimizer: Optimizer
) -> tuple[float, float]:
    """cos(chosen gradient, mean gradient) and cos(AdamW's moves by them); NaN where one of the two is zero.

    gradients: after the step's combination and clipping; gramian: theirs, [K, K]; shares: of the prompts, [K];
    max_norm: the harness's clip, applied to the mean as well, whose own norm is what either way of clipping goes by.
    Call it before the optimizer steps.
    """
    mean_norm = norm_of(shares, gramian)
    shares = shares.to(gradients.dtype).to(gradients.device)
    if max_norm is not None and mean_norm > max_norm:
        shares = shares * (max_norm / mean_norm)

    groups = {id(parameter): group for group in optimizer.param_groups for parameter in group["params"]}
    products = torch.zeros(2, 3, dtype=torch.float64)
    start = 0
    for parameter, size in zip(gradients.parameters, gradients.layout.sizes, strict=True):
        state = optimizer.state.get(parameter, {})
        group = groups[id(parameter)]

        # in pieces, because several float64 copies of each are held
        for first in range(0, size, COLUMNS):
            last = min(first + COLUMNS, size)
            part = slice(start + first, start + last)
            seen = slice(first, last)
            chosen = gradients.combined[part]
            mean = shares @ gradients.columns(part)
            products[0] += _products(chosen, mean)
            products[1] += _products(_move(chosen, state, group, seen), _move(mean, state, group, seen))
        start += size

    # in place: of sharded parameters, this process has seen its own part only
    gradients.products(products)
    cosines = products[:, 0] / (products[:, 1] * products[:, 2]).sqrt()
    return cosines[0].item(), cosines[1].item()


def _move(gradient: Tensor, state: Mapping[str, Any], group: Mapping[str, Any], seen: slice) -> Tensor:
    """Adam's move by a part of a parameter's gradient, up to its learning rate; state: of the steps before."""
    first, second = group["betas"]
    gradient = gradient.double()
    steps = float(state["step"]) + 1 if state else 1.0
    mean, square = (local(state[key]).flatten()[seen].double() if state else 0.0 for key in ("exp_avg", "exp_avg_sq"))

    # both moments begin at zero, so that early ones are divided by the weight they have gathered
    mean = (first * mean + (1 - first) * gradient) / (1 - first**steps)
    square = (second * square + (1 - second) * gradient.square()) / (1 - second**steps)
    move: Tensor = mean / (square.sqrt() + group["eps"])
    return move


def _products(left: Tensor, right: Tensor) -> Tensor:
    """<left, right>, |left|^2, |right|^2, [3] float64."""
    left, right = left.double(), right.double()
    return torch.stack([left @ right, left @ left, right @ right]).cpu()
