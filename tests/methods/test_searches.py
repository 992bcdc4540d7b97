"""Plans that search before they train (DoReMi, Omni-Thinker, MoDoMoDo): the searches, by hand."""

from itertools import permutations
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import RunInfo, Signals
from methods._battery.inputs import signals_of
from methods.doremi import DoReMi, DoReMiSettings
from methods.modomodo import best_mixture
from methods.omni_thinker import best_order


def matrix(*rows: tuple[float, ...]) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


class Gaps:
    """`Stages` of two tasks whose gaps are given; `shares` lists what each step was asked for."""

    layout = None

    def __init__(self, *gaps: float) -> None:
        self.gaps, self.left = torch.tensor(gaps, dtype=torch.float64), 8.0
        self.shares: list[Tensor] = []

    def parameters(self) -> Tensor:
        return torch.zeros(3)

    def load(self, parameters: Tensor) -> None:
        pass

    def train(
        self, steps: int, shares: Any, size: float = 1.0, after: Any = None, observe: Any = None
    ) -> list[Signals]:
        seen = []
        for at in range(steps):
            self.shares.append(shares(at))
            rows = torch.eye(len(self.gaps), dtype=torch.float64)
            fields = {"losses": self.gaps, "rewards": 1 - self.gaps}
            plain = signals_of(rows, at)
            values = {name: getattr(plain, name) for name in Signals.__dataclass_fields__}
            seen.append(Signals(**{**values, **fields}))
            if observe is not None:
                observe(seen[-1])
        self.left -= steps * size
        return seen


def test_doremi_stays_where_no_task_is_behind() -> None:
    """Reference and proxy have the same gaps: no excess."""
    stages = Gaps(0.7, 0.2)
    method = DoReMi().start(RunInfo(2, torch.full((2,), 100), 8))
    assert isinstance(method, DoReMi)
    method.execute(stages)  # type: ignore[arg-type]
    assert len(stages.shares) == 8
    torch.testing.assert_close(torch.stack(stages.shares), torch.full((8, 2), 0.5, dtype=torch.float64))


def test_doremi_gives_the_final_run_the_mean_of_the_proxy() -> None:
    """Excess ln 2 for the first task: 2 : 1 after one step, 4 : 1 after two; no smoothing."""
    stages = Gaps(0.2 + 0.6931471805599453, 0.2)
    method = DoReMi(DoReMiSettings(smoothing=0.0)).start(RunInfo(2, torch.full((2,), 100), 8))
    assert isinstance(method, DoReMi)
    found = method.proxy(stages, torch.zeros(3), 2, torch.tensor([0.2, 0.2]).double())  # type: ignore[arg-type]
    torch.testing.assert_close(found, torch.tensor([2 / 3 + 4 / 5, 1 / 3 + 1 / 5]).double() / 2)
    # used before it moved: the proxy's first step is equal
    torch.testing.assert_close(torch.stack(stages.shares), matrix((0.5, 0.5), (2 / 3, 1 / 3)))


def test_what_forgets_another_goes_before_it() -> None:
    """Training on 0 hurts 1 and 2, on 1 hurts 2: that order hurts nobody who was there before."""
    assert best_order(matrix((1, -3, -2), (0, 1, -1), (0, 0, 1))) == [0, 1, 2]
    # and the other way round: 2 helps both, so it comes last; 1 helps 0
    assert best_order(matrix((0, 0, 0), (1, 0, 0), (2, 2, 0))) == [0, 1, 2]
    assert best_order(matrix((0, 2), (-1, 0))) == [1, 0]


@pytest.mark.parametrize("tasks", [2, 4])
def test_the_order_is_the_best(tasks: int) -> None:
    transfer = torch.randn(tasks, tasks, dtype=torch.float64, generator=Generator().manual_seed(tasks))

    def kept(order: tuple[int, ...]) -> float:
        return sum(transfer[late, early].item() for at, late in enumerate(order) for early in order[:at])

    assert kept(tuple(best_order(transfer))) == max(map(kept, permutations(range(tasks))))


def test_many_tasks_are_ordered_greedily() -> None:
    transfer = torch.randn(9, 9, dtype=torch.float64, generator=Generator().manual_seed(0))
    order = best_order(transfer)
    assert sorted(order) == list(range(9))
    reverse = sum(transfer[early, late] for at, late in enumerate(order) for early in order[:at])
    assert sum(transfer[late, early] for at, late in enumerate(order) for early in order[:at]) > reverse


PILOTS = matrix((1 / 3, 1 / 3, 1 / 3), (2 / 3, 1 / 6, 1 / 6), (1 / 6, 2 / 3, 1 / 6), (1 / 6, 1 / 6, 2 / 3))
MIXTURES = [
    # more of the first is better and more of the others worse: all of it
    ([0.5, 0.6, 0.45, 0.45], [1.0, 0.0, 0.0]),
    # leaving the middle is worse, whichever way
    ([0.6, 0.5, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]),
    # no difference: the equal mixture
    ([0.5, 0.5, 0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]),
]


@pytest.mark.parametrize(("scores", "expected"), MIXTURES)
def test_the_best_mixture(scores: list[float], expected: list[float]) -> None:
    found = best_mixture(PILOTS, torch.tensor(scores).double(), ridge=1e-6)
    torch.testing.assert_close(found, torch.tensor(expected).double(), rtol=0, atol=1e-4)


def test_the_surrogate_is_ridge_regression_on_the_quadratic_terms() -> None:
    """The kernel's prediction at the mixture found is that of the explicit features, and no pilot's is higher."""
    scores = torch.tensor([0.5, 0.55, 0.47, 0.52]).double()

    def features(points: Tensor) -> Tensor:
        crossed = (points[:, :, None] * points[:, None, :]).flatten(1)
        return torch.cat([torch.ones(len(points), 1).double(), 2**0.5 * points, crossed], dim=1)

    inputs = features(PILOTS)
    fitted = inputs.T @ torch.linalg.solve(inputs @ inputs.T + 1e-3 * torch.eye(4).double(), scores - scores[0])
    best = best_mixture(PILOTS, scores, ridge=1e-3)
    assert (features(best[None]) @ fitted).item() >= (inputs @ fitted).max().item() - 1e-9
    corners = features(torch.eye(3, dtype=torch.float64)) @ fitted
    assert (features(best[None]) @ fitted).item() >= corners.max().item() - 1e-9
