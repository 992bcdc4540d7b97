"""Low-rank adapters, W + B A, as what they stand for: models are merged as the products B A, not as the factors.

A sum of factors is not a factor of the sum: (B1 + B2) (A1 + A2) has cross terms that no task learned.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from methods import Layout

DOWN, UP = "lora_A", "lora_B"
"""Marks in the names of a pair: A is [r, in], B is [out, r]."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A tensor of the layout, or a pair of factors. columns: of A, or of the tensor; up: of B, None for a tensor."""

    columns: slice
    shape: tuple[int, ...]
    up: slice | None = None
    up_shape: tuple[int, ...] = ()

    @property
    def merged_shape(self) -> tuple[int, ...]:
        """The tensor's shape, or that of the product."""
        return self.shape if self.up is None else (self.up_shape[0], self.shape[1])


class Products:
    """Models between two layouts: as they are trained, [P], and with B A in place of each pair of factors, [P']."""

    def __init__(self, layout: Layout) -> None:
        self.pieces = tuple(_pieces(layout))
        self.width = sum(layout.sizes)
        shapes = tuple(piece.merged_shape for piece in self.pieces)
        sizes = tuple(torch.Size(shape).numel() for shape in shapes)
        self.layout = Layout(tuple(map(str, range(len(shapes)))), sizes, shapes)

    def expanded(self, models: Tensor) -> Tensor:
        """Models [K, P] as [K, P']."""
        parts = []
        for piece in self.pieces:
            part = models[:, piece.columns]
            if piece.up is not None:
                down = part.reshape(-1, *piece.shape)
                part = (models[:, piece.up].reshape(-1, *piece.up_shape) @ down).flatten(1)
            parts.append(part)
        return torch.cat(parts, dim=1)

    def folded(self, model: Tensor) -> Tensor:
        """A model [P'] as [P]: a product is the nearest of the adapter's rank, in factors of equal singular values."""
        found = model.new_empty(self.width)
        parts = model.split(list(self.layout.sizes))  # type: ignore[no-untyped-call]
        for piece, part in zip(self.pieces, parts, strict=True):
            if piece.up is None:
                found[piece.columns] = part
                continue

            rank = piece.shape[0]
            left, values, right = torch.linalg.svd(part.view(piece.merged_shape), full_matrices=False)
            roots = values[:rank].sqrt()
            up, down = part.new_zeros(piece.up_shape), part.new_zeros(piece.shape)
            up[:, : len(roots)] = left[:, :rank] * roots
            down[: len(roots)] = roots[:, None] * right[:rank]
            found[piece.up], found[piece.columns] = up.flatten(), down.flatten()

        return found


def _pieces(layout: Layout) -> Sequence[Piece]:
    places: dict[str, tuple[slice, tuple[int, ...]]] = {}
    end = 0
    for name, size, shape in zip(layout.names, layout.sizes, layout.shapes, strict=True):
        places[name] = slice(end, end + size), shape
        end += size

    found = []
    for name, (columns, shape) in places.items():
        if DOWN in name and name.replace(DOWN, UP) in places:
            found.append(Piece(columns, shape, *places[name.replace(DOWN, UP)]))
        elif not (UP in name and name.replace(UP, DOWN) in places):
            found.append(Piece(columns, shape))
    return found
