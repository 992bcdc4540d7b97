"""Golden values, worked out by hand or from the paper. The row says why."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from methods import Method, Rollouts, RunInfo, Signals, Weighting
from methods.gradient_proportional import GradientProportional, GradientProportionalSettings
from methods.pcgrad import PCGrad
from methods.static import Static, StaticSettings
from methods.task_normalised_advantage import TaskNormalisedAdvantage
from methods.uniform import Uniform
from methods.upgrad import UPGrad

J_BASE = [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]
"""Two gradients at inner product -22 and squared norms 18 and 38."""
UNIT_120 = [[1.0, 0.0], [-0.5, 0.75**0.5]]
"""Two unit gradients at 120 degrees."""

DIRECTIONS = [
    # g1 + 22/38 g2 and g2 + 22/18 g1, averaged: half of the published sum (.584795, 3.801170, 3.801170)
    (PCGrad(), J_BASE, [0.2923977, 1.9005848, 1.9005848]),
    # projecting onto the cone of two vectors is what PCGrad does to two
    (UPGrad(), J_BASE, [0.2923977, 1.9005848, 1.9005848]),
    # weight 1/2 each
    (Static(), J_BASE, [1.0, 1.0, 1.0]),
    # only the ratio 20 : 1 counts
    (Static(StaticSettings(weights=(20.0, 1.0))), J_BASE, [-74 / 21, 1.0, 1.0]),
    # the mean of g1 + g2/2 and g2 + g1/2: weights 3/4 each, of vectors that sum to (1/2, sqrt(3/4))
    (PCGrad(), UNIT_120, [0.375, 0.75 * 0.75**0.5]),
    (UPGrad(), UNIT_120, [0.375, 0.75 * 0.75**0.5]),
    # no conflict, no change: the mean
    (PCGrad(), [[1.0, 0.0], [1.0, 1.0]], [1.0, 0.5]),
    (UPGrad(), [[1.0, 0.0], [1.0, 1.0]], [1.0, 0.5]),
    # opposite gradients: nothing serves both
    (UPGrad(), [[2.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]),
    # the silent third task leaves the problem; the scale stays that of three tasks
    (UPGrad(), [*J_BASE, [0.0, 0.0, 0.0]], [0.2923977 * 2 / 3, 1.9005848 * 2 / 3, 1.9005848 * 2 / 3]),
    (PCGrad(), [*J_BASE, [0.0, 0.0, 0.0]], [0.2923977 * 2 / 3, 1.9005848 * 2 / 3, 1.9005848 * 2 / 3]),
    (Static(), [*J_BASE, [0.0, 0.0, 0.0]], [2 / 3, 2 / 3, 2 / 3]),
]


@pytest.mark.parametrize(("method", "gradients", "expected"), DIRECTIONS)
def test_directions(
    method: Weighting,
    gradients: list[list[float]],
    expected: list[float],
    signals_of: Callable[[Tensor], Signals],
) -> None:
    rows = torch.tensor(gradients).double()
    direction = method.combine_weights(signals_of(rows)) @ rows
    torch.testing.assert_close(direction, torch.tensor(expected).double(), rtol=0, atol=1e-7)


def observed(method: Method, signals_of: Callable[..., Signals], *norms: Sequence[float]) -> Method:
    """The method after steps with these unbiased squared norms."""
    method.start(RunInfo(len(norms[0]), torch.full((len(norms[0]),), 100), 10))
    for row in norms:
        signals = signals_of(torch.eye(len(row)).double())
        method.observe(replace(signals, cross_gramian=torch.diag(torch.tensor(row).double())))
    return method


STEP_0 = (0.0213, 0.0109, 0.0030, 0.00136)
"""Squared norms of Code, Countdown, MATH and FinQA at step 0 of arXiv 2510.19178, figure 1."""
PROPORTIONS = [
    # S over its sum
    ({"exponent": 1.0}, [STEP_0], [0.582604, 0.298140, 0.082057, 0.037199]),
    # its root over the sum of roots
    ({"exponent": 0.5}, [STEP_0], [0.426742, 0.305273, 0.160153, 0.107831]),
    # nothing counts
    ({"exponent": 0.0}, [STEP_0], [0.25, 0.25, 0.25, 0.25]),
    # the inverse: 1/4 against 1
    ({"exponent": -1.0}, [(4.0, 1.0)], [0.2, 0.8]),
    # a floor of 0.1 leaves 0.8 to share as 3 : 1
    ({"exponent": 1.0, "floor": 0.1}, [(3.0, 1.0)], [0.7, 0.3]),
    # bias-corrected mean with decay 1/2: (1/2 4 + 1/4 1) / (3/4) = 3 against 1
    ({"exponent": 1.0, "decay": 0.5}, [(1.0, 1.0), (4.0, 1.0)], [0.75, 0.25]),
    # a step without an estimate is left out of the mean
    ({"exponent": 1.0, "decay": 0.5}, [(3.0, 1.0), (float("nan"), 1.0)], [0.75, 0.25]),
    # a negative estimate counts in the mean, or it would be biased: (1/2 -1 + 1/4 6) / (3/4) = 4/3 against 1
    ({"exponent": 1.0, "decay": 0.5}, [(6.0, 1.0), (-1.0, 1.0)], [4 / 7, 3 / 7]),
    # a negative mean is unresolved, and counts as the smallest resolved one
    ({"exponent": 1.0}, [(3.0, 1.0, -2.0)], [0.6, 0.2, 0.2]),
    # nothing is resolved
    ({"exponent": 1.0}, [(0.0, -1.0)], [0.5, 0.5]),
    # still warming up
    ({"exponent": 1.0, "warm_up": 2}, [(3.0, 1.0)], [0.5, 0.5]),
]


@pytest.mark.parametrize(("values", "norms", "expected"), PROPORTIONS)
def test_gradient_proportional(
    values: dict[str, float],
    norms: list[Sequence[float]],
    expected: list[float],
    signals_of: Callable[..., Signals],
) -> None:
    settings = GradientProportionalSettings(**{"floor": 0.0, "decay": 0.0, "warm_up": 1, **values})
    method = observed(GradientProportional(settings), signals_of, *norms)
    assert isinstance(method, GradientProportional)
    torch.testing.assert_close(method.proportions(), torch.tensor(expected).double(), rtol=0, atol=1e-6)


def test_uniform() -> None:
    method = Uniform().start(RunInfo(4, torch.tensor([1, 10, 100, 1000]), 10))
    assert method.proportions().tolist() == [0.25] * 4


TASK_ADVANTAGES = [
    ([3.0, 1.0, -1.0, -3.0], [3 / 5**0.5, 1 / 5**0.5, -1 / 5**0.5, -3 / 5**0.5]),  # mean 0, variance 20/4
    ([2.0, 0.0], [1.0, -1.0]),  # mean 1, deviation 1
    ([0.0, 0.0], [0.0, 0.0]),  # silent
    ([0.3] * 7, [0.0] * 7),  # equal up to rounding: the float32 mean of 7 times 0.3 is not 0.3
    ([5.0], [0.0]),  # alone
]


def test_task_normalised_advantages() -> None:
    """All tasks of the table in one step, in float32 as the trainer has them."""
    task = torch.tensor([k for k, (values, _) in enumerate(TASK_ADVANTAGES) for _ in values])
    given = torch.tensor([value for values, _ in TASK_ADVANTAGES for value in values])
    expected = torch.tensor([value for _, values in TASK_ADVANTAGES for value in values])
    ones = torch.ones(len(task))
    rollouts = Rollouts(task, task, ones, given, ones, ones)
    torch.testing.assert_close(TaskNormalisedAdvantage().advantages(rollouts), expected)


def test_every_completion_counts_the_same_by_default() -> None:
    lengths = torch.tensor([4, 1, 0])
    rollouts = Rollouts(lengths, lengths, lengths, lengths, lengths, lengths)
    assert TaskNormalisedAdvantage().token_weights(rollouts).tolist() == [0.25, 1.0, 1.0]
