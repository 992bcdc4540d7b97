"""Samplers that read advantages and gradients (TAC, DoGE, MT-GRPO full): golden values worked out by hand."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from methods import Method, Rollouts, RunInfo, Signals
from methods.doge import DoGE, DoGESettings
from methods.mt_grpo_full import MTGRPOFull, MTGRPOFullSettings
from methods.tac import TAC, TACSettings

NAN = math.nan
MakeSignals = Callable[..., Signals]
NEAR = [[1.0, 0.0], [1.2, 1.6]]
"""Gradients at cosine .6, of norms 1 and 2."""


def vector(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def begun(method: Method, tasks: int) -> Method:
    return method.start(RunInfo(tasks, torch.full((tasks,), 100), 10, prompts=6 * tasks))


def told(signals_of: MakeSignals, rows: list[list[float]], **given: Sequence[float]) -> Signals:
    return replace(signals_of(torch.tensor(rows).double()), **{key: vector(row) for key, row in given.items()})


def softmax(*logits: float) -> Tensor:
    return vector(logits).softmax(dim=0)


TRANSFER = [
    # .5 and .25 times 1.6, a half of it after one step, over the temperature .2
    ({}, NEAR, (0.5, 0.25), softmax(2.0, 1.0)),
    # without the cosines: SEC
    ({"alpha": 0.0}, NEAR, (0.5, 0.25), softmax(1.25, 0.625)),
    # opposite gradients have nothing to give to each other
    ({}, [[1.0, 0.0], [-2.0, 0.0]], (0.5, 0.25), softmax(0.0, 0.0)),
    # a task without prompts stays where it was
    ({}, NEAR, (0.5, NAN), softmax(2.0, 0.0)),
    # alone, there is no other
    ({}, [[3.0, 0.0]], (0.5,), softmax(1.0)),
]


@pytest.mark.parametrize(("values", "rows", "gains", "expected"), TRANSFER)
def test_tac(
    values: dict[str, float],
    rows: list[list[float]],
    gains: Sequence[float],
    expected: Tensor,
    signals_of: MakeSignals,
) -> None:
    method = begun(TAC(TACSettings(**values)), len(rows))
    method.observe(told(signals_of, rows, mean_abs_advantage=gains))
    assert isinstance(method, TAC)
    torch.testing.assert_close(method.proportions(), expected)


ALIGNED = [
    # unrelated gradients of one norm
    ([[1.0, 0.0], [0.0, 1.0]], (0.0, 0.0)),
    # unbiased products .9 times 4 and 1 over the mean square 2.5, over K = 2
    ([[2.0, 0.0], [0.0, 1.0]], (0.72, 0.18)),
    # g_3 opposes the sum of all: .9 times (1, 1, 0) over 1, over K = 3
    ([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0]], (0.3, 0.3, -0.3)),
    # a silent task does not move
    ([[1.0, 0.0], [0.0, 0.0]], (0.9, 0.0)),
]


@pytest.mark.parametrize(("rows", "gains"), ALIGNED)
def test_doge(rows: list[list[float]], gains: Sequence[float], signals_of: MakeSignals) -> None:
    method = begun(DoGE(DoGESettings(rate=2.0, floor=0.0)), len(rows))
    method.observe(signals_of(torch.tensor(rows).double()))
    assert isinstance(method, DoGE)
    torch.testing.assert_close(method.proportions(), softmax(*(2 * gain for gain in gains)))


def test_doge_leaves_every_task_its_floor(signals_of: MakeSignals) -> None:
    method = begun(DoGE(DoGESettings(rate=100.0, floor=0.5)), 2)
    method.observe(signals_of(torch.tensor([[2.0, 0.0], [0.0, 1.0]]).double()))
    assert isinstance(method, DoGE)
    torch.testing.assert_close(method.proportions(), vector((0.75, 0.25)))


def full(**values: float) -> MTGRPOFull:
    method = begun(MTGRPOFull(MTGRPOFullSettings(floor=0.0, **values)), 2)
    assert isinstance(method, MTGRPOFull)
    return method


def test_shares_make_up_for_silent_groups_and_weights_do_not(signals_of: MakeSignals) -> None:
    """Half of the first task's groups are silent: it gets 2 : 1 of the prompts, and half of the weight."""
    method = full(rate=0.0)
    method.observe(told(signals_of, NEAR, silent=(0.5, 0.0)))
    torch.testing.assert_close(method.proportions(), vector((2 / 3, 1 / 3)))
    torch.testing.assert_close(method.weights(signals_of(torch.tensor(NEAR).double())), vector((0.5, 0.5)))


def test_shares_are_raised_to_the_cap_and_no_further(signals_of: MakeSignals) -> None:
    method = full(rate=0.0, cap=4.0)
    method.observe(told(signals_of, NEAR, silent=(1.0, 0.0)))
    torch.testing.assert_close(method.proportions(), vector((0.8, 0.2)))


def test_weights_turn_to_the_lowest_reward(signals_of: MakeSignals) -> None:
    """One step of Adam moves both logits by the rate; there is no improvement before the second step."""
    method = full(rate=0.1, weight_decay=0.0, level=1.0)
    for _ in range(2):
        method.observe(told(signals_of, NEAR, rewards=(0.2, 0.8), silent=(0.0, 0.0)))
    torch.testing.assert_close(method.proportions(), softmax(0.1, -0.1))


def test_silent_groups_leave_the_mean() -> None:
    """Two groups of two a task; the second group of the first task is silent, and the other counts for both."""
    task, group = torch.tensor([0, 0, 0, 0, 1, 1, 1, 1]), torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
    advantages = torch.tensor([1.0, -1.0, 0.0, 0.0, 1.0, -1.0, 1.0, -1.0])
    lengths = torch.tensor([2, 4, 2, 4, 2, 4, 2, 4])
    rollouts = Rollouts(task, group, (advantages > 0).float(), advantages, lengths, lengths)
    found = full().token_weights(rollouts) * lengths
    assert found.tolist() == [2.0, 2.0, 0.0, 0.0, 1.0, 1.0, 1.0, 1.0]
