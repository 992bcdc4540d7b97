"""One step's data: a batch a task, in halves and micro-batches, and what is counted of it without a gradient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import Tensor

Batch = TypeVar("Batch")


@dataclass(frozen=True, slots=True)
class MicroBatch(Generic[Batch]):
    """Sequences of one task that go through the model together; share: their part of the task's loss, in (0, 1]."""

    data: Batch
    share: float
    computed: int = 0
    """Tokens through the model, prompts and padding included."""


@dataclass(frozen=True, slots=True)
class TaskBatch(Generic[Batch]):
    """One task's part of a step, as one or two halves of micro-batches, split by prompt group.

    A half may be empty in this process if another has its sequences; the counts are those of all processes.
    """

    task: int
    halves: tuple[Sequence[MicroBatch[Batch]], ...]
    first_share: float | None
    """The first half's part of the task's loss, in (0, 1); None if there is one half only."""
    sequences: int
    tokens: int
    """Tokens that enter the loss."""

    @property
    def computed(self) -> int:
        """Tokens through the model in this process, prompts and padding included."""
        return sum(micro.computed for half in self.halves for micro in half)


@dataclass(frozen=True, slots=True)
class Measured:
    """Per-task statistics of the step's batch that need no gradient, [K] float64; see `Signals`."""

    rewards: Tensor
    mean_abs_advantage: Tensor
    lengths: Tensor
    prompt_lengths: Tensor
    silent: Tensor
    shares: Tensor
    validation_losses: Tensor | None = None
    """Mean losses on rows that are not trained on, where the method asks for them."""
