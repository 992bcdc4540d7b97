"""ConicGrad: golden values by hand, and that no direction of the cone serves the worst task better."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from methods import Signals
from methods.conicgrad import ConicGrad, ConicGradSettings

MakeSignals = Callable[..., Signals]
BORDER = math.sqrt(1 / 0.81 - 1) / math.sqrt(1.25)
"""Tangent of the angle of c = 0.9, in lengths of (1, 1/2)."""
GOLDEN = [
    # orthogonal gradients of a length: their mean
    (0.5, [[1.0, 0.0], [0.0, 1.0]], [0.5, 0.5]),
    # the hull's shortest vector (2/5, 4/5) is at cosine 4/5 to the mean (1, 1/2), and takes its length, sqrt(5)/2
    (0.5, [[2.0, 0.0], [0.0, 1.0]], [0.5, 1.0]),
    # a narrower cone stops on its border, |g_0| tan(angle) along (-1/2, 1); cos(angle) of it is as long as the mean
    (
        0.9,
        [[2.0, 0.0], [0.0, 1.0]],
        [0.9 * (1 - BORDER * math.sqrt(1.25) * 0.5), 0.9 * (0.5 + BORDER * math.sqrt(1.25))],
    ),
    # the shortest vector (0, 1, 1) is at cosine sqrt(2/3) to the mean (1, 1, 1)
    (0.5, [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], [0.0, math.sqrt(1.5), math.sqrt(1.5)]),
    # a cone without width is the mean
    (1.0, [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], [1.0, 1.0, 1.0]),
    # on a line no direction serves both, and the mean is all there is
    (0.5, [[2.0, 0.0], [-1.0, 0.0]], [0.5, 0.0]),
    # no mean, no cone
    (0.5, [[2.0, 0.0], [-2.0, 0.0]], [0.0, 0.0]),
]


@pytest.mark.parametrize(("c", "rows", "expected"), GOLDEN)
def test_golden_values(c: float, rows: list[list[float]], expected: list[float], signals_of: MakeSignals) -> None:
    gradients = torch.tensor(rows).double()
    found = ConicGrad(ConicGradSettings(c=c)).combine_weights(signals_of(gradients)) @ gradients
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-7)


@pytest.mark.parametrize("c", [0.0, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("tasks", [2, 3, 5])
def test_no_direction_of_the_cone_serves_the_worst_task_better(tasks: int, c: float, signals_of: MakeSignals) -> None:
    """Against 20,000 directions at random; where none serves all tasks, per gain of the mean."""
    source = Generator().manual_seed(tasks)
    rows = torch.randn(tasks, 3, dtype=torch.float64, generator=source)
    rows[0] -= rows.mean(dim=0)
    mean = rows.mean(dim=0)
    found: Tensor = ConicGrad(ConicGradSettings(c=c)).combine_weights(signals_of(rows)) @ rows
    torch.testing.assert_close(found.norm(), mean.norm())
    assert found @ mean >= (c - 1e-7) * mean @ mean

    others = torch.randn(20_000, 3, dtype=torch.float64, generator=source)
    others *= mean.norm() / others.norm(dim=1, keepdim=True)
    others = others[others @ mean >= max(c, 1e-6) * mean @ mean]
    best = (others @ rows.T).amin(dim=1)
    if best.max() > 0:
        assert (found @ rows.T).min() >= best.max() - 1e-9
    else:
        assert (found @ rows.T).min() / (found @ mean) >= (best / (others @ mean)).max() - 1e-9
