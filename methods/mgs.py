"""MGS: PCGrad in every parameter tensor on its own, so that a conflict in one tensor changes only that one.

Source     Modular Gradient Surgery, arXiv 2602.02301; PCGrad: Yu et al. 2020, arXiv 2001.06782, Algorithm 1
Differs    averages the projected gradients where the paper sums them (our scale convention); a module is a
           parameter tensor, as in the authors' code, but with inner products over all of it and not over a shard;
           works on Gramians and is the same, because every projected gradient stays in the span of the gradients
Costs      a Gramian of every tensor and a second pass over the gradients; no extra backward pass
Conflicts  in 90 % of strongly conflicting gradients
Formula    g_(i,T) <- g_(i,T) - inner(g_(i,T), g_(j,T)) / norm(g_(j,T))^2 g_(j,T) if inner(g_(i,T), g_(j,T)) < 0 for
           every tensor T ; d = 1/K sum_i g_i
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, Signals
from methods._columns import gramian, weighted_sum


class MGS(GradientCombination):
    name = "mgs"
    version = 1

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        tensors = gradients.split(list(layout.sizes), dim=1)  # type: ignore[no-untyped-call]
        inner = torch.stack([gramian(rows) for rows in tensors])
        direction = torch.empty_like(gradients[0])
        parts = direction.split(list(layout.sizes))  # type: ignore[no-untyped-call]
        for rows, weights, part in zip(tensors, projected(inner, self._orders(inner)), parts, strict=True):
            weighted_sum(rows, weights, part)
        return direction

    def _orders(self, inner: Tensor) -> Tensor:
        """For every tensor and task a random order of all tasks, [T, K, K]."""
        tensors, tasks, _ = inner.shape
        draws = [torch.randperm(tasks, generator=self.generator) for _ in range(tensors * tasks)]
        return torch.stack(draws).view(inner.shape)


def projected(inner: Tensor, orders: Tensor) -> Tensor:
    """Weights [T, K] of the means of projected gradients in T tensors.

    inner: Gramians of the tensors, [T, K, K]; orders: [T, K, K], gradient i of tensor t is projected against
    gradient orders[t, i, 0], then orders[t, i, 1], and so on.
    """
    own = torch.arange(inner.shape[-1])
    squares = inner.diagonal(dim1=1, dim2=2)
    share = torch.eye(len(own), dtype=inner.dtype).expand_as(inner).clone()  # row i: task i's projected gradient

    for other in orders.unbind(dim=-1):
        place = other[..., None]
        overlap = (inner.gather(1, place.expand_as(inner)) * share).sum(dim=-1)
        conflict = (other != own) & (overlap < 0)
        step = torch.where(conflict, overlap / squares.gather(1, other), 0.0)
        share.scatter_add_(-1, place, -step[..., None])

    return share.mean(dim=1)
