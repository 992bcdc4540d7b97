"""A model that takes a batch apart by task: one loss over the whole batch, one gradient for each part.

A trainer's loss is a function of what the model says of every row. So the model is run for each part of the batch by
itself, and the loss is computed, unchanged, of all rows together, from copies without a past. Its backward pass ends at
these copies; what arrives there is sent on through each part alone. Together the parts' gradients are the batch's, to
rounding, whatever the loss divides by or clips, and every row goes forward once and back once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Part:
    """Rows of a micro-batch that belong to one half of one task. rows: their places, [n] int64."""

    task: int
    half: int
    rows: Tensor


@dataclass(frozen=True, slots=True)
class Said:
    """Something that the model says of every row. whole: of all rows, [n, ...], a leaf; pieces: of each part."""

    whole: Tensor
    pieces: Sequence[Tensor]


@dataclass
class PartedModel:
    """Stands in for a model within one loss; all else is asked of the model itself.

    Once `parts` is set, a call runs the model on each part. Together they hold each row once.
    """

    model: Any
    parts: Sequence[Part] = ()
    said: list[Said] = field(default_factory=list)
    outputs: Sequence[Any] = ()
    """What the model said last, of each part."""

    def __getattr__(self, name: str) -> Any:
        return getattr(self.model, name)

    def __call__(self, **inputs: Any) -> Any:
        """The model's output over the whole batch: what it has for every row, and nothing else."""
        order = torch.cat([part.rows for part in self.parts])
        back = torch.argsort(order)

        outputs = [self.model(**_chosen(inputs, part.rows, len(order))) for part in self.parts]
        self.outputs = outputs

        found = {}
        for name, first in outputs[0].items():
            if isinstance(first, Tensor) and first.ndim and len(first) == len(self.parts[0].rows):
                found[name] = self._joined([output[name] for output in outputs], back)
        return type(outputs[0])(**found)

    def _joined(self, pieces: Sequence[Tensor], back: Tensor) -> Tensor:
        whole = torch.cat([piece.detach() for piece in pieces])[back.to(pieces[0].device)]
        if torch.is_grad_enabled() and any(piece.requires_grad for piece in pieces):
            self.said.append(Said(whole.requires_grad_(), pieces))
        return whole

    def backward(self, number: int) -> None:
        """Send what the loss left at the copies on through one part; its graph is freed."""
        rows = self.parts[number].rows
        reached = [each for each in self.said if each.whole.grad is not None and each.pieces[number].requires_grad]
        if reached:
            gradients = [_grad(each)[rows.to(each.whole.device)] for each in reached]
            torch.autograd.backward([each.pieces[number] for each in reached], gradients)


def _grad(said: Said) -> Tensor:
    assert said.whole.grad is not None
    return said.whole.grad


def _chosen(inputs: dict[str, Any], rows: Tensor, count: int) -> dict[str, Any]:
    """Some rows of what has one entry a row; all else as it is."""
    return {
        name: value[rows.to(value.device)]
        if isinstance(value, Tensor) and value.ndim and len(value) == count
        else value
        for name, value in inputs.items()
    }
