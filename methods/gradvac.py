"""GradVac: turn each task gradient towards the others until it has the cosine that was usual between the two.

Source     Wang et al. 2021, arXiv 2010.05874, Algorithm 1; every layer apart and beta 0.01, as in their experiments
Differs    a layer is a parameter tensor; averages the turned gradients where the paper sums them (our scale
           convention); works on Gramians and is the same, because every turned gradient stays in the span of the task
           gradients; a gradient that was turned to zero is left there; a pair with a silent task keeps its usual cosine
Costs      a Gramian of every tensor and a second pass over the gradients; no extra backward pass
Conflicts  in 90 % of strongly conflicting gradients
Formula    g'_i <- g'_i + (norm(g'_i) (q sqrt(1 - p^2) - p sqrt(1 - q^2))) / (norm(g_j) sqrt(1 - q^2)) g_j if p < q ; p
           = cos(g'_i, g_j) ; q <- (1 - beta) q + beta p

With p the cosine of g_i' to g_j and q the usual one, if p < q:
g_i' <- g_i' + |g_i'| (q sqrt(1 - p^2) - p sqrt(1 - q^2)) / (|g_j| sqrt(1 - q^2)) g_j; then q <- (1 - beta) q + beta p.
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, RunInfo, Settings, Signals, setting
from methods._columns import gramian, weighted_sum
from methods._spectral import ROUNDING


class GradVacSettings(Settings):
    beta: float = setting(
        0.01, low=0.0, high=1.0, log=True, search=(0.001, 0.5), doc="rate of the exponential mean of cosines"
    )


class GradVac(GradientCombination):
    name = "gradvac"
    version = 2
    Settings = GradVacSettings
    state = ("usual",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.usual: Tensor | None = None
        """Usual cosines in every tensor, [T, K, K]: row i is what task i's gradient turns to."""

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        tensors = gradients.split(list(layout.sizes), dim=1)  # type: ignore[no-untyped-call]
        inner = torch.stack([gramian(rows) for rows in tensors])
        usual = torch.zeros_like(inner) if self.usual is None else self.usual
        weights, self.usual = turned(inner, usual, self._orders(*inner.shape[:2]), self.settings.beta)

        direction = torch.empty_like(gradients[0])
        parts = direction.split(list(layout.sizes))  # type: ignore[no-untyped-call]
        for rows, shares, part in zip(tensors, weights, parts, strict=True):
            weighted_sum(rows, shares, part)
        return direction

    def _orders(self, tensors: int, tasks: int) -> Tensor:
        """For every tensor and task the other tasks in random order, [T, K, K - 1]."""
        draws = [torch.randperm(tasks - 1, generator=self.generator) for _ in range(tensors * tasks)]
        places = torch.stack(draws).view(tensors, tasks, tasks - 1)
        return places + (places >= torch.arange(tasks)[:, None])


def turned(inner: Tensor, usual: Tensor, orders: Tensor, beta: float) -> tuple[Tensor, Tensor]:
    """Weights [T, K] of the means of turned gradients in T tensors, and the usual cosines, [T, K, K], after it.

    inner: Gramians of the tensors, [T, K, K]; orders: [T, K, K - 1], gradient i of tensor t is turned towards gradient
    orders[t, i, 0], then orders[t, i, 1], and so on.
    """
    norms = inner.diagonal(dim1=1, dim2=2).clamp(min=0).sqrt()
    heard = norms > 0
    inverse = torch.where(heard, 1 / norms, 0.0)
    cosines = inner * inverse[:, :, None] * inverse[:, None, :]
    usual = usual.clone()

    # Row i: task i's turned gradient over |g_i|, as weights of unit gradients, and its products with these.
    share = torch.eye(inner.shape[1], dtype=inner.dtype).expand_as(inner).clone()
    products = cosines.clone()
    squares = heard.to(inner.dtype)

    for other in orders.unbind(dim=-1):
        place = other[..., None]
        length = squares.clamp(min=0).sqrt()
        cosine = (products.gather(-1, place)[..., 0] / length).nan_to_num(0.0, 0.0, 0.0).clamp(-1, 1)
        aim = usual.gather(-1, place)[..., 0]
        known = heard & heard.gather(1, other) & (squares > ROUNDING * share.abs().sum(dim=-1) ** 2)

        sine = (1 - aim**2).clamp(min=ROUNDING).sqrt()
        step = length * (aim * (1 - cosine**2).sqrt() / sine - cosine)
        step = torch.where(known & (cosine < aim - ROUNDING), step, 0.0)[..., None]
        share.scatter_add_(-1, place, step)
        products += step * cosines.gather(1, place.expand_as(cosines))
        squares = (share * products).sum(dim=-1)

        moved = torch.where(known, beta * (cosine - aim), 0.0)
        usual.scatter_add_(-1, place, moved[..., None])

    weights = (norms[..., None] * share).sum(dim=1) * inverse / inner.shape[1]
    return weights, usual
