"""Gramian mathematics that methods share, [K, K] float64: eigenvalues, pseudo-inverses, independent batches.

Ranks are read off cosines, so that they do not depend on norms. Tolerances are multiples of rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from methods import Gramian, Signals

ROUNDING = 32 * torch.finfo(torch.float64).eps
"""Times K: what counts as zero beside the largest eigenvalue of cosines, or beside a sum of K ones."""


def spectrum(symmetric: Tensor) -> tuple[Tensor, Tensor]:
    """The R eigenvalues that exceed rounding, [R], ascending, and their eigenvectors, [K, R]."""
    values, vectors = torch.linalg.eigh(symmetric)
    real = values > len(symmetric) * ROUNDING * values[-1]
    return values[real], vectors[:, real]


def gramian_spectrum(gramian: Gramian) -> tuple[Tensor, Tensor]:
    """Eigenvalues and eigenvectors, as `spectrum`, of a Gramian whose gradients have norms of any ratio.

    With D the norms and C = V L V' the cosines, M = F F' for F = D V sqrt(L): singular values of F lose half as many
    digits to the ratio as eigenvalues of M, and the rank is that of C.
    """
    values, vectors = spectrum(gramian.cosines)
    factor = gramian.norms[:, None] * vectors * values.sqrt()
    vectors, roots, _ = torch.linalg.svd(factor, full_matrices=False)
    return roots.flip(0).square(), vectors.flip(1)


def equal_cosine(cosines: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Weights a = C^+ 1 of unit gradients, [K]; C a, [K], and a' C a: the dot products and square length of the sum.

    Independent gradients all have product 1 with the sum. Dependent ones come as close to it, in squares, as they
    can; if they cannot at all, as opposite ones, everything is 0.
    """
    values, vectors = spectrum(cosines)
    along = vectors.sum(dim=0)
    along = torch.where(along.abs() > len(cosines) * ROUNDING, along, 0.0)
    return vectors @ (along / values), vectors @ along, (along.square() / values).sum()


def config_weights(matrix: Tensor) -> Tensor:
    """Weights of ConFIG's update, [K], from the Gramian [K, K] of gradients that are not zero; means for sums."""
    gramian = Gramian(matrix)
    weights, products, square = equal_cosine(gramian.cosines)
    if square == 0:
        return weights
    length = (gramian.norms * products).mean() / square
    return length * weights / gramian.norms


def cross_products(signals: Signals, heard: Tensor) -> Tensor:
    """What G1 G2' of two independent batches estimates, [K', K'], for the tasks in `heard`, [K] bool.

    Unbiased, but for tasks with fewer than two prompt groups: theirs is the measured square, noise and all.
    """
    cross = signals.cross_gramian[heard][:, heard]
    return torch.where(cross.isnan(), signals.gramian.restricted(heard).matrix, cross)


def shares_among(weights: Tensor, heard: Tensor) -> Tensor:
    """Weights of the tasks in `heard`, [K'], scaled to sum 1; equal ones if all are 0."""
    kept = weights[heard]
    return kept / kept.sum() if kept.any() else torch.full_like(kept, 1 / len(kept))


def with_shares(weights: Tensor, heard: Tensor, shares: Tensor) -> Tensor:
    """Weights [K] of sum 1, where the tasks in `heard` are in proportion to `shares`, [K'].

    The others keep theirs, but not more than 1/K each in the mean: silence must not take the weight of all.
    """
    kept = weights * ~heard
    most = (~heard).double().mean()
    kept = kept * (most / torch.maximum(kept.sum(), most)).nan_to_num()  # 0 / 0: all are heard
    kept[heard] = shares * (1 - kept.sum())
    return kept


def shares_after(shares: Tensor, signals: Signals, move: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Shares [K] for the next step, where those of tasks with a gradient are moved, and the others stay.

    move: new shares, [K'], from `cross_products`, [K', K'], and the old shares, [K'], of the tasks with a gradient.
    """
    heard = signals.gramian.matrix.diagonal() > 0
    if not heard.any():
        return shares
    return with_shares(shares, heard, move(cross_products(signals, heard), shares_among(shares, heard)))
