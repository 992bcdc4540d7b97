"""Sparse training: only the largest pre-trained weights of every neuron learn; the rest stay where they are.

Source     Zhang et al. 2024, arXiv 2411.18615
Differs    the number of input weights a neuron keeps is a share of them, and its default is ours; weights as large as
           the last one kept are kept too, so a tensor of zeros learns as a whole; a run on adapters is refused, whose
           pre-trained weights are nothing but chance; rows are the first dimension of a tensor, also in embeddings; no
           tensor is a task's head, so none is left dense for that; vectors (biases, norms) have one weight a neuron and
           learn as a whole; the method inside sees the whole gradients, as in the paper's update, so what it promises
           of its direction may not hold for what is left
Costs      nothing beyond the method inside; one byte a parameter
Formula    theta <- theta - eta m d, m = 1 for the largest abs(theta) of a neuron, else 0
"""

import torch
from torch import Tensor

from bench.errors import UserError
from methods import Inner, Layout, Passes, Settings, StepWrapper, setting
from methods._adapters import DOWN, UP


class SparseTrainingSettings(Settings):
    share: float = setting(
        0.3, low=0.0, high=1.0, search=(0.05, 0.8), doc="of a neuron's input weights, those that learn"
    )


class SparseTraining(StepWrapper):
    name = "sparse_training"
    version = 2
    Settings = SparseTrainingSettings

    def prepare(self, parameters: Tensor, layout: Layout) -> None:
        if any(mark in name for mark in (DOWN, UP) for name in layout.names):
            raise UserError(
                "sparse_training chooses by the size of pre-trained weights, and adapters begin at random: "
                "take a suite that trains the model itself, or leave the wrapper out."
            )
        tensors = parameters.split(layout.sizes)  # type: ignore[no-untyped-call]
        masks = [
            small(part.view(shape), self.settings.share) for part, shape in zip(tensors, layout.shapes, strict=True)
        ]
        self.frozen = torch.cat([mask.flatten() for mask in masks])

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        assert self.frozen is not None, "prepare comes first"
        return inner(gradients).masked_fill(self.frozen, 0)


def small(weights: Tensor, share: float) -> Tensor:
    """Which weights are not among a neuron's largest: bool, of the same shape; a neuron keeps at least one."""
    if weights.ndim < 2 or weights.numel() == 0:
        return torch.zeros_like(weights, dtype=torch.bool)
    sizes = weights.flatten(1).abs()
    width = sizes.shape[1]
    kept = max(1, round(share * width))
    return (sizes < sizes.kthvalue(width - kept + 1, dim=1, keepdim=True).values).view_as(weights)
