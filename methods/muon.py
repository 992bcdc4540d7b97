"""Muon: the direction's momentum with all singular values near one another, matrix by matrix; AdamW steps on that.

Source     Jordan et al. 2024, Muon, kellerjordan.github.io/posts/muon; settings and coefficients of their code. Second
           moments of the orthogonalised direction: AdaMuon, arXiv 2507.11005, from its abstract
Differs    the optimizer of every run is AdamW, which follows and divides each entry by its running size, as AdaMuon
           does, and averages once more, so that memory is longer than in either; matrices are as long as their momentum
           (our scale convention), where Muon's length is constant: AdamW takes most of that away; embeddings, the
           output layer, vectors and tensors of three dimensions are passed on; an adapter's two factors are matrices
           of their own; K identical matrices give what one gives, which is not the gradient
Costs      15 matrix products a matrix, each of its shorter side; one [P] buffer
Formula    m <- beta m + (1 - beta) d ; d' = norm(m) / (1 - beta^t) hat(X_5) ; X_(i+1) = a X_i + b X_i X_i^T X_i + c
           X_i X_i^T X_i X_i^T X_i ; X_0 = hat(beta m + (1 - beta) d) ; d of the method inside

Five rounds take the singular values of a matrix of norm 1 to between 0.68 and 1.21, all that are above 0.002. Task
gradients in singular directions of their own leave with like lengths, whatever weights the method inside gave them.
"""

import torch
from torch import Tensor

from methods import Inner, Layout, Passes, RunInfo, Settings, StepWrapper, setting
from methods._offsets import along, length

ROUNDS = 5
COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the polynomial of a round; they raise small singular values fastest, and do not settle at 1."""
PASSED_ON = ("embed", "lm_head", "wte", "wpe")
"""Marks in the names of embeddings and output layers."""


class MuonSettings(Settings):
    momentum: float = setting(0.95, low=0.0, high=0.999, search=(0.8, 0.98), doc="beta: memory of the direction")


class Muon(StepWrapper):
    name = "muon"
    version = 1
    Settings = MuonSettings
    needs = frozenset({"gradients"})
    state = ("average", "mass")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.average: Tensor | None = None
        self.mass = 0.0

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        direction = inner(gradients)
        beta = self.settings.momentum
        fresh = (1 - beta) * direction.to(torch.promote_types(direction.dtype, torch.float32))
        self.average = fresh if self.average is None else beta * self.average + fresh
        self.mass = beta * self.mass + 1 - beta

        changed = direction.clone()
        parts = (each.split(layout.sizes) for each in (changed, self.average, fresh))
        for name, shape, part, average, new in zip(layout.names, layout.shapes, *parts, strict=True):
            if len(shape) == 2 and part.numel() and not any(mark in name for mark in PASSED_ON):
                ahead = orthogonal((beta * average + new).view(shape))
                part.copy_(along(ahead.flatten(), length(average) / self.mass))
        return changed


def orthogonal(matrix: Tensor) -> Tensor:
    """A matrix of the same singular vectors, with singular values near 1; zeros stay zeros."""
    if matrix.shape[0] > matrix.shape[1]:
        return orthogonal(matrix.T).T
    found = along(matrix.flatten(), 1.0).view_as(matrix)
    linear, cubic, quintic = COEFFICIENTS
    for _ in range(ROUNDS):
        square = found @ found.T
        found = linear * found + (cubic * square + quintic * square @ square) @ found
    return found
