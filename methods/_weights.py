"""What methods that choose loss weights share: means over steps, weights of log losses, and logits that learn.

Values are [K] float64, one a task. NaN is a task without a measurement: it had no prompts in the step.
"""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

BETAS = (0.9, 0.999)
EPSILON = 1e-8
"""Adam's usual constants. Its gradients are pure numbers here, so that EPSILON is far below all but rounding."""


def part_of_run(share: float, steps: int, least: int = 1, most: int | None = None) -> int:
    """A share of the run's steps, rounded and within bounds."""
    part = max(least, round(share * steps))
    return part if most is None else min(part, most)


def equal(tasks: int) -> Tensor:
    """Equal shares or weights, [K], of sum 1."""
    return torch.full((tasks,), 1 / tasks, dtype=torch.float64)


def unknown(tasks: int) -> Tensor:
    """NaN for every task, [K]: nothing is measured yet."""
    return torch.full((tasks,), float("nan"), dtype=torch.float64)


def smoothed(old: Tensor, new: Tensor, decay: float) -> Tensor:
    """The exponential mean after one more step; it begins with the first known value, and stays where `new` is NaN."""
    moved = decay * old + (1 - decay) * new
    return torch.where(new.isnan(), old, torch.where(old.isnan(), new, moved))


def tallied(sums: Tensor, values: Tensor) -> Tensor:
    """Totals and counts of known values, [2, K], after one more step; they begin as zeros."""
    return sums + torch.stack([values.nan_to_num(0.0), (~values.isnan()).double()])


def mean_of(sums: Tensor) -> Tensor:
    """Means of tallied values; NaN where none was known."""
    return sums[0] / sums[1]


def relative(values: Tensor, base: Tensor) -> Tensor:
    """values / base; 1, no change, where the base is 0 or either is unknown."""
    ratio = values / base
    return torch.where(ratio.isfinite(), ratio, torch.ones_like(ratio))


def log_loss_weights(logits: Tensor, gaps: Tensor) -> Tensor:
    """Weights of the gradients of L_k that weigh those of log L_k by softmax(logits), scaled to sum 1.

    The gradient of log L is that of L over L, so that they are in proportion to exp(logits) / L. gaps: L, not
    negative. A task whose gap is 0 has nothing left to gain and gets 0; one that is unknown has the mean gap.
    """
    gaps = torch.where(gaps.isnan(), gaps.nanmean(), gaps).nan_to_num(1.0)
    lacking = gaps > 0
    if not lacking.any():
        return equal(len(gaps))
    return torch.where(lacking, logits - gaps.log(), float("-inf")).softmax(dim=0)


def at_length(norms: Tensor, length: Tensor) -> Tensor:
    """Weights of the mean of gradients that are all scaled to one length; norms: [K], none of them 0."""
    return length / norms / len(norms)


@dataclass(frozen=True, slots=True)
class Levels:
    """Gaps of a run, [K], beside the level that they had early in it.

    gaps: exponential mean over steps; sums: [2, K], totals and counts of the warm-up; steps: seen so far.
    """

    gaps: Tensor
    sums: Tensor
    steps: int = 0

    @classmethod
    def none(cls, tasks: int) -> Self:
        """Levels before the first step."""
        return cls(unknown(tasks), torch.zeros(2, tasks, dtype=torch.float64))

    def with_step(self, gaps: Tensor, decay: float, warm_up: int) -> Self:
        """Levels after one more step of these gaps; its gaps set the early level if it is one of `warm_up` steps."""
        sums = tallied(self.sums, gaps) if self.steps < warm_up else self.sums
        return type(self)(smoothed(self.gaps, gaps, decay), sums, self.steps + 1)

    def early(self, warm_up: int) -> Tensor:
        """Mean gaps of the first `warm_up` steps, [K]; NaN until they are over."""
        return mean_of(self.sums) if self.steps >= warm_up else unknown(len(self.gaps))


@dataclass(frozen=True, slots=True)
class Logits:
    """Logits of task weights under Adam (Kingma and Ba 2015, arXiv 1412.6980). A step gives new ones.

    value, mean and square: [K], the logits and Adam's moments of their gradient.
    """

    value: Tensor
    mean: Tensor
    square: Tensor
    steps: int = 0

    @classmethod
    def zeros(cls, tasks: int) -> Self:
        """Equal weights, and moments of nothing."""
        return cls(*torch.zeros(3, tasks, dtype=torch.float64))

    @property
    def shares(self) -> Tensor:
        """z = softmax of the logits."""
        return self.value.softmax(dim=0)

    def stepped(self, gradient: Tensor, rate: float, weight_decay: float = 0.0) -> Self:
        """After a step against the gradient, to which the weight decay adds that of decay / 2 |logits|^2.

        A task whose gradient is NaN stays as it is; if all are, nothing changes.
        """
        if gradient.isnan().all():
            return self

        gradient = gradient + weight_decay * self.value
        steps = self.steps + 1
        mean = BETAS[0] * self.mean + (1 - BETAS[0]) * gradient
        square = BETAS[1] * self.square + (1 - BETAS[1]) * gradient.square()
        scale = (square / (1 - BETAS[1] ** steps)).sqrt() + EPSILON
        value = self.value - rate * mean / (1 - BETAS[0] ** steps) / scale

        kept = gradient.isnan()
        return type(self)(
            torch.where(kept, self.value, value),
            torch.where(kept, self.mean, mean),
            torch.where(kept, self.square, square),
            steps,
        )

    def lowered(self, values: Tensor, rate: float, weight_decay: float = 0.0) -> Self:
        """After a step that lowers sum_k z_k values_k; the gradient by logit k is z_k (values_k - sum z values).

        Tasks whose value is NaN are left out of the sum, and stay as they are.
        """
        shares = self.shares
        mean = (shares * values).nansum() / shares[~values.isnan()].sum()
        return self.stepped(shares * (values - mean), rate, weight_decay)
