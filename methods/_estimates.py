"""Estimates that sampling methods keep over steps, whatever tasks a step lacked, and shares with a floor."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from methods import Signals


@dataclass(frozen=True, slots=True)
class ExponentialMean:
    """Exponential mean of [K] values over steps, corrected for its start; NaN entries leave it as it is."""

    total: Tensor
    mass: Tensor

    @classmethod
    def of(cls, tasks: int) -> Self:
        """The mean of nothing."""
        return cls(torch.zeros(tasks, dtype=torch.float64), torch.zeros(tasks, dtype=torch.float64))

    def add(self, values: Tensor, decay: float) -> "ExponentialMean":
        """The mean with the values of one more step; decay: in [0, 1), what older steps keep."""
        known = ~values.isnan()
        total = decay * self.total + (1 - decay) * values.nan_to_num()
        mass = decay * self.mass + (1 - decay)
        return ExponentialMean(torch.where(known, total, self.total), torch.where(known, mass, self.mass))

    @property
    def value(self) -> Tensor:
        """The means, [K]; NaN where there was no value yet."""
        return self.total / self.mass


@dataclass(frozen=True, slots=True)
class GradientMoments:
    """Running moments of the task gradients.

    measured: |mean gradient of the step|^2, noise and all; signal: |expected gradient|^2, unbiased; noise:
    variance of the gradient of one prompt group (trace of its covariance). All three are means over the same
    steps: those in which the task had two prompt groups or more.
    """

    measured: ExponentialMean
    signal: ExponentialMean
    noise: ExponentialMean

    @classmethod
    def of(cls, tasks: int) -> Self:
        """The moments of nothing."""
        return cls(ExponentialMean.of(tasks), ExponentialMean.of(tasks), ExponentialMean.of(tasks))

    def add(self, signals: Signals, prompts: int, decay: float) -> "GradientMoments":
        """The moments with one more step of `prompts` prompt groups over all tasks."""
        signal = signals.cross_gramian.diagonal()
        measured = torch.where(signal.isnan(), signal, signals.gramian.matrix.diagonal())
        groups = signals.shares * prompts
        # E |mean|^2 = |expected|^2 + variance / groups
        return GradientMoments(
            self.measured.add(measured, decay),
            self.signal.add(signal, decay),
            self.noise.add(groups * (measured - signal), decay),
        )


def ascended(
    shares: Tensor, moments: GradientMoments, tilt: Tensor, zetas: tuple[float, float], prompts: int, floor: float
) -> Tensor:
    """Shares [K] after a step of PiKE's exponentiated gradient (arXiv 2502.06244) on the losses tilt_k L_k.

    tilt: [K]; zetas: gain by squared norm and loss by variance, both over the mean squared norm of a step's gradient,
    noise and all; floor: of a share, in equal shares. While a task has no estimate, or all are silent, shares stay.
    """
    variance = moments.noise.value.clamp(min=0)
    gain = tilt**2 * (zetas[0] * moments.signal.value - zetas[1] / (2 * prompts) * variance)
    scale = (tilt**2 * moments.measured.value).mean()

    # NaN is not above 0: a task without estimates keeps all shares where they are.
    if not scale > 0:
        return shares
    return at_least((shares.log() + gain / scale).softmax(dim=0), floor / len(shares))


def at_least(shares: Tensor, floor: float) -> Tensor:
    """Shares, [K], none under the floor: those under it are raised to it, the others give in proportion.

    floor: in [0, 1/K]. It is the distribution of least relative entropy to `shares` above the floor.
    """
    low = torch.zeros_like(shares, dtype=torch.bool)
    while True:
        kept = shares * ((1 - floor * int(low.sum())) / shares[~low].sum())
        under = ~low & (kept < floor)
        if not under.any():
            return torch.where(low, floor, kept)
        low |= under
