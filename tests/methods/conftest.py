"""Signals for tests of methods, from a matrix of task gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from methods._base import Gramian, Signals


def make_signals(gradients: Tensor, step: int = 0) -> Signals:
    """Signals of a step with these task gradients, [K, P] float64; the rest differs by task and step."""
    count = len(gradients)
    rising = 0.2 + 0.6 * torch.arange(count, dtype=torch.float64) / max(count - 1, 1)
    gramian = gradients @ gradients.T
    return Signals(
        step=step,
        losses=rising.flip(0) / (1 + step),
        rewards=rising * (step + 1) / (step + 2),
        mean_abs_advantage=1 - rising,
        lengths=30 * rising,
        prompt_lengths=20 + 10 * rising,
        silent=rising / 2,
        shares=torch.full((count,), 1 / count, dtype=torch.float64),
        gramian=Gramian(gramian),
        cross_gramian=0.9 * gramian,
    )


@pytest.fixture
def signals_of() -> Callable[..., Signals]:
    return make_signals
