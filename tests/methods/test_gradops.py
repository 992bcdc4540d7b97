"""GradOPS: golden values by hand, and what its projections promise."""

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from methods import Signals
from methods.gradops import GradOPS, orthogonal

MakeSignals = Callable[..., Signals]
GOLDEN = [
    # two gradients: what PCGrad does, half of the published sum (.584795, 3.801170, 3.801170)
    ([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]], [0.2923977, 1.9005848, 1.9005848]),
    # no conflict, no change
    ([[1.0, 0.0], [1.0, 1.0]], [1.0, 0.5]),
    # the first two oppose each other and keep (0, 1, 0) and (0, 0, 1); the third opposes neither and stays
    ([[1.0, 1.0, 0.0], [-1.0, 0.0, 1.0], [0.0, 1.0, 1.0]], [0.0, 1 / 3, 1 / 3]),
    # opposite gradients: nothing is left of them
    ([[2.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]),
]


@pytest.mark.parametrize(("rows", "expected"), GOLDEN)
def test_golden_values(rows: list[list[float]], expected: list[float], signals_of: MakeSignals) -> None:
    gradients = torch.tensor(rows).double()
    found = GradOPS().combine_weights(signals_of(gradients)) @ gradients
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-7)


@pytest.mark.parametrize("tasks", [2, 3, 5])
def test_what_is_kept_is_orthogonal_to_all_others(tasks: int) -> None:
    """Against the projection on whole gradients, by least squares."""
    rows = torch.randn(tasks, 12, dtype=torch.float64, generator=Generator().manual_seed(tasks))
    units: Tensor = rows - 0.6 * rows.mean(dim=0)
    units = units / units.norm(dim=1, keepdim=True)
    for task in range(tasks):
        found = orthogonal(units @ units.T, task) @ units
        others = torch.arange(tasks) != task
        if (units[others] @ units[task]).min() < 0:
            nearest = torch.linalg.lstsq(units[others].T, units[task][:, None]).solution[:, 0] @ units[others]
            torch.testing.assert_close(found, units[task] - nearest)
        else:
            torch.testing.assert_close(found, units[task])
