"""CoBa looks at the validation loss where there is one, and at the reward gap elsewhere."""

from dataclasses import replace

import pytest
import torch

from methods import Gramian, RunInfo, Signals
from methods.coba import CoBa, left

NAN = torch.full((2,), float("nan"), dtype=torch.float64)


def signals(losses: tuple[float, float], validation: tuple[float, float] | None) -> Signals:
    ones = torch.ones(2, dtype=torch.float64)
    given = torch.tensor(validation, dtype=torch.float64) if validation else None
    eye = torch.eye(2, dtype=torch.float64)
    found = torch.tensor(losses, dtype=torch.float64)
    return Signals(0, found, NAN, NAN, ones, ones, 0 * ones, ones / 2, Gramian(eye), eye, given)


def test_the_validation_loss_goes_before_all_else():
    step = signals((0.5, 0.25), (2.0, 3.0))
    assert left(step).tolist() == [2.0, 3.0]
    assert left(replace(step, validation_losses=None)).tolist() == [0.5, 0.25]
    rewards = torch.tensor([0.5, 1.0], dtype=torch.float64)
    assert left(replace(step, validation_losses=None, rewards=rewards)).tolist() == [0.5, 0.0]


def test_weights_follow_the_validation_loss_and_not_the_training_loss():
    """Slopes -.05 and -.1 of what it looks at: (.655437, .344563), as from reward gaps of the same numbers."""
    method = CoBa().start(RunInfo(2, torch.ones(2), 10))
    for validation in ((1.0, 1.0), (1.0, 1.0), (0.9, 0.8)):
        found = method.weights(signals((5.0, 0.1), validation))
        method.observe(signals((5.0, 0.1), validation))
    assert found.tolist() == pytest.approx([0.655437, 0.344563], abs=2e-6)
    assert "validation_loss" in CoBa.needs
