"""PCGrad on the Gramian is Algorithm 1 of the paper on whole gradients."""

from collections.abc import Callable

import pytest
import torch
from torch import Generator, Tensor

from methods import Signals
from methods.pcgrad import PCGrad


def on_gradients(gradients: Tensor, generator: Generator) -> Tensor:
    """The algorithm as published, on gradients [K, P] and with the same order of tasks; mean for sum."""
    projected = gradients.clone()
    for i in range(len(gradients)):
        for j in torch.randperm(len(gradients), generator=generator).tolist():
            if j != i and projected[i] @ gradients[j] < 0:
                projected[i] -= projected[i] @ gradients[j] / gradients[j].square().sum() * gradients[j]
    return projected.mean(dim=0)


@pytest.mark.parametrize("count", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("norm_ratio", [1.0, 1e4])
def test_the_gramian_is_enough(count: int, norm_ratio: float, signals_of: Callable[[Tensor], Signals]) -> None:
    source = Generator().manual_seed(count)
    for draw in range(10):
        gradients = torch.randn(count, 12, dtype=torch.float64, generator=source)
        gradients[0] /= norm_ratio
        gradients -= 0.4 * gradients.sum(dim=0)  # so that most pairs conflict
        method = PCGrad(generator=Generator().manual_seed(draw))
        direction = method.combine_weights(signals_of(gradients)) @ gradients
        expected = on_gradients(gradients, Generator().manual_seed(draw))
        torch.testing.assert_close(direction, expected, rtol=1e-9, atol=1e-12)


def test_two_tasks_leave_nothing_to_chance(signals_of: Callable[[Tensor], Signals]) -> None:
    gradients = torch.tensor([[3.0, 0.0], [-1.0, 0.1]]).double()
    draws = [PCGrad(generator=Generator().manual_seed(seed)) for seed in range(8)]
    answers = [method.combine_weights(signals_of(gradients)) for method in draws]
    assert all(torch.equal(answer, answers[0]) for answer in answers)


def test_the_order_of_three_conflicting_tasks_matters(signals_of: Callable[[Tensor], Signals]) -> None:
    gradients = torch.tensor([[1.0, 0.0, 0.1], [-0.8, 0.5, 0.0], [-0.3, -0.9, 0.2]]).double()
    draws = [PCGrad(generator=Generator().manual_seed(seed)) for seed in range(8)]
    answers = {tuple(method.combine_weights(signals_of(gradients)).tolist()) for method in draws}
    assert len(answers) > 1
