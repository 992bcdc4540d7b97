"""Merging of task vectors, [K, P]: what each of K models adds to the parameters that all of them started from.

Each function gives one vector, [P]. Permuting the tasks does not change it, and a task whose vector is zero counts
in K alone. Tolerances are multiples of rounding.
"""

import torch
from torch import Tensor

from methods import Layout


def ties(vectors: Tensor, density: float) -> Tensor:
    """Trim, elect signs, average those that agree: TIES-Merging (arXiv 2306.01708), Algorithm 1.

    density: share of each vector's entries that is kept, rounded down and one more, as in the authors' code, those of
    largest size; equal ones stay together.
    """
    sizes = vectors.abs()
    kept = min(int(density * vectors.shape[1]) + 1, vectors.shape[1])
    trimmed = vectors.where(sizes >= _smallest_of(sizes, kept), 0)
    elected = trimmed.sum(dim=0, dtype=torch.float64).sign()
    agrees = trimmed.sign() == elected  # where nothing is elected, only zeros agree
    return trimmed.where(agrees, 0).sum(dim=0) / agrees.sum(dim=0).clamp(min=1)


def pcb(vectors: Tensor, share: float) -> Tensor:
    """Weigh each entry by its size and by its agreement with the others: PCB-Merging (arXiv 2410.02396).

    share: of each vector's entries that may get a weight, those of largest score; the least of them gets 0.
    """
    sizes = vectors.abs()
    within = _rescaled(sizes, sizes.amin(dim=1, keepdim=True)).square()
    # exp(K x) over exp(K): the factor goes out in the rescaling of the scores, and nothing overflows
    scores = (len(vectors) * (within - 1)).exp() * (vectors * vectors.sum(dim=0)).tanh()
    weights = _rescaled(scores, _least_kept(scores, share))
    total = weights.sum(dim=0)
    return (weights * vectors).sum(dim=0) / total.where(total > 0, 1)


def tsv(vectors: Tensor, layout: Layout) -> Tensor:
    """Merge each matrix by its whitened singular vectors (arXiv 2412.00081, TSV-Merge), and average the rest."""
    merged = vectors.mean(dim=0)
    end = 0
    for size, shape in zip(layout.sizes, layout.shapes, strict=True):
        end += size
        if len(shape) == 2:
            columns = slice(end - size, end)
            merged[columns] = whitened(vectors[:, columns].reshape(-1, *shape)).flatten()
    return merged


def whitened(matrices: Tensor) -> Tensor:
    """U diag(s) V' for task matrices [K, m, n], where U, V and s join the first r/K singular triplets of each task.

    r is min(m, n), and at least one triplet is taken. U and V are replaced by the nearest matrices of orthonormal
    columns: the interference between tasks goes.
    """
    left, values, right = torch.linalg.svd(matrices, full_matrices=False)
    taken = max(values.shape[1] // len(values), 1)
    values = values[:, :taken]
    # singular vectors of the value 0 are arbitrary, and would push others aside
    real = values > _rounding(matrices[0]) * values[:, :1]
    left = (left[:, :, :taken] * real[:, None, :]).movedim(1, 0).flatten(1)
    right = (right[:, :taken] * real[:, :, None]).flatten(0, 1)
    merged: Tensor = (nearest_orthonormal(left) * values.flatten()) @ nearest_orthonormal(right)
    return merged


def nearest_orthonormal(matrix: Tensor) -> Tensor:
    """P Q' of the singular value decomposition P D Q' (Procrustes), over the directions that are there.

    Where columns depend on each other, P and Q are arbitrary in what is missing, so that part is left out: columns
    that are equal share one direction.
    """
    left, values, right = torch.linalg.svd(matrix, full_matrices=False)
    there = values > _rounding(matrix) * values[0]
    nearest: Tensor = left[:, there] @ right[there]
    return nearest


def _least_kept(values: Tensor, share: float) -> Tensor:
    """The least of the largest entries that make up this share of each row, [K, 1]; at least one entry."""
    return _smallest_of(values, max(round(share * values.shape[1]), 1))


def _smallest_of(values: Tensor, count: int) -> Tensor:
    """The least of the `count` largest entries of each row, [K, 1]."""
    return values.kthvalue(values.shape[1] - count + 1, dim=1, keepdim=True).values


def _rescaled(values: Tensor, low: Tensor) -> Tensor:
    """Each row moved so that `low`, [K, 1], and what is below become 0, and the largest entry 1.

    Where the largest is `low`: 1 for the entries that reach it, if they are above 0.
    """
    span = values.amax(dim=1, keepdim=True) - low
    reached = ((values >= low) & (values > 0)).to(values.dtype)
    return torch.where(span > 0, (values - low).clamp(min=0) / span, reached)


def _rounding(matrix: Tensor) -> float:
    """How far rounding moves singular values, as a multiple of the largest."""
    return max(matrix.shape) * torch.finfo(matrix.dtype).eps
