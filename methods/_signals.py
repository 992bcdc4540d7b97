"""What a method is told: of its run, of a step's completions, and of a step's gradients. Tasks are 0..K-1."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a method may know of its run.

    tasks: K; sizes: [K] training rows a task; steps: optimizer steps of the budget; prompts: of all tasks in
    a step; reply_tokens: a completion is cut here; rollouts: completions of a prompt, 1 where none is sampled.
    """

    tasks: int
    sizes: Tensor
    steps: int
    prompts: int = 1
    reply_tokens: int = 1
    rollouts: int = 1


@dataclass(frozen=True, slots=True)
class Gramian:
    """Inner products of the K task gradients, [K, K], float64, positive semidefinite."""

    matrix: Tensor

    @property
    def norms(self) -> Tensor:
        """Gradient norms, [K]."""
        return self.matrix.diagonal().clamp(min=0).sqrt()

    @property
    def cosines(self) -> Tensor:
        """Pairwise cosines, [K, K]; rows and columns of zero gradients are zero."""
        norms = self.norms
        inverse = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
        return self.matrix * inverse[:, None] * inverse[None, :]

    def __len__(self) -> int:
        return len(self.matrix)

    def restricted(self, rows: Tensor) -> "Gramian":
        """The Gramian of some of the tasks; rows: [K] bool."""
        return Gramian(self.matrix[rows][:, rows])


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The N completions of a step, before any loss. All tensors are [N].

    task: blind task index; group: prompt group; rewards in [0, 1]; advantages: group-normalised (GRPO);
    lengths, prompt_lengths: tokens.
    """

    task: Tensor
    group: Tensor
    rewards: Tensor
    advantages: Tensor
    lengths: Tensor
    prompt_lengths: Tensor


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a step, per task. Tensors are [K] float64 unless said otherwise.

    gramian is full-batch; cross_gramian [K, K] has unbiased diagonal entries (two halves by prompt group; NaN
    with fewer than two groups) and may be indefinite. silent: share of groups without any advantage.
    shares: share of the step's prompts; losses: mean surrogate loss, in SFT the mean loss of an answer token.
    rewards, mean_abs_advantage: NaN in SFT, which has neither.
    """

    step: int
    losses: Tensor
    rewards: Tensor
    mean_abs_advantage: Tensor
    lengths: Tensor
    prompt_lengths: Tensor
    silent: Tensor
    shares: Tensor
    gramian: Gramian
    cross_gramian: Tensor
    validation_losses: Tensor | None = None
    """Mean losses on rows that are not trained on: in SFT, for methods that need "validation_loss"."""

    @property
    def gaps(self) -> Tensor:
        """What is left to gain, [K], 0 or more: 1 - mean reward, or the mean loss where there are no rewards.

        Rules that take logarithms or ratios of losses take these: a policy-gradient surrogate has no sign.
        """
        return torch.where(self.rewards.isnan(), self.losses, 1 - self.rewards).clamp(min=0)


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each parameter tensor lies in a flat gradient: names, sizes and shapes, in order."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    shapes: tuple[tuple[int, ...], ...]
