"""FAMO where the step's batch is passed again after the update: the published rule, without the noise of fresh rows."""

from typing import Any

import torch
from torch import Tensor

from methods import Gramian, RunInfo, Signals
from methods.famo import FAMO, FAMOSettings


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def step(*losses: float) -> Signals:
    """A step of SFT with these losses."""
    none: Any = torch.full((len(losses),), torch.nan, dtype=torch.float64)
    gramian = torch.eye(len(losses), dtype=torch.float64)
    return Signals(0, vector(*losses), none, none, none, none, none, none, Gramian(gramian), gramian)


def begun() -> FAMO:
    return FAMO(FAMOSettings(decay=0.0)).start(RunInfo(3, torch.full((3,), 100), 10))


def test_the_fall_on_one_batch_moves_the_logits() -> None:
    """Log ratios .105361, .051293, 0, as in the table of golden values, where the next step's losses stand for them."""
    method = begun()
    method.observe(step(2, 1, 0.5))
    method.updated(vector(1.8, 0.95, 0.5))
    found = method.weights(step(1.8, 0.95, 0.5))
    torch.testing.assert_close(found, vector(0.147570, 0.293943, 0.558487), rtol=0, atol=5e-6)

    other = begun()  # under GRPO the next step's losses say the same
    other.observe(step(2, 1, 0.5))
    torch.testing.assert_close(other.weights(step(1.8, 0.95, 0.5)), found)


def test_fresh_losses_then_move_it_no_more() -> None:
    """Of the next step's rows, which are other rows, only the division by the loss is left."""
    method = begun()
    method.observe(step(2, 1, 0.5))
    method.updated(vector(1.8, 0.95, 0.5))
    before = method.logits.value
    method.observe(step(9, 0.1, 3))
    assert torch.equal(method.logits.value, before)


def test_a_task_without_rows_has_no_say() -> None:
    method = begun()
    method.observe(step(2, 1, torch.nan))
    method.updated(vector(1.8, 1.0, torch.nan))
    assert method.logits.value[2] == 0
    assert method.logits.value[0] < method.logits.value[1]
