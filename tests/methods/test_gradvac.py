"""GradVac: Algorithm 1 on whole gradients, tensor by tensor, and what it remembers."""

import math
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Layout, RunInfo, Signals
from methods.gradvac import GradVac, GradVacSettings

SignalsOf = Callable[..., Signals]
J_BASE = [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]
HALF = GradVacSettings(beta=0.5)


def float64(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def started(method: GradVac, tasks: int) -> GradVac:
    return method.start(RunInfo(tasks, torch.full((tasks,), 100), 10))


def layout(*sizes: int) -> Layout:
    return Layout(tuple(map(str, sizes)), sizes, tuple((size,) for size in sizes))


def random_rows(tasks: int, seed: int, norm_ratio: float = 1.0, width: int = 12) -> Tensor:
    """Gradients, [K, P], most pairs of which conflict."""
    rows = torch.randn(tasks, width, dtype=torch.float64, generator=Generator().manual_seed(seed))
    rows = rows - 0.4 * rows.sum(dim=0)
    norms = torch.logspace(0, -math.log10(norm_ratio), tasks, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True) * norms[:, None]


def published(rows: Tensor, usual: Tensor, beta: float, generator: Generator) -> Tensor:
    """Algorithm 1 on whole gradients; moves `usual`; mean for sum. The order of tasks is drawn as the method does."""
    turned = rows.clone()
    for i in range(len(rows)):
        others = [j for j in range(len(rows)) if j != i]
        for place in torch.randperm(len(others), generator=generator).tolist():
            j = others[place]
            length, other = turned[i].norm(), rows[j].norm()
            cosine, aim = turned[i] @ rows[j] / (length * other), usual[i, j].clone()
            if cosine < aim:
                sines = (1 - cosine**2).sqrt(), (1 - aim**2).sqrt()
                turned[i] += length * (aim * sines[0] - cosine * sines[1]) / (other * sines[1]) * rows[j]
            usual[i, j] = (1 - beta) * aim + beta * cosine
    return turned.mean(dim=0)


@pytest.mark.parametrize("tasks", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("norm_ratio", [1.0, 1e4])
def test_every_tensor_is_turned_as_in_algorithm_1(tasks: int, norm_ratio: float, signals_of: SignalsOf) -> None:
    method = started(GradVac(HALF, Generator().manual_seed(tasks)), tasks)
    usual, generator = torch.zeros(2, tasks, tasks, dtype=torch.float64), Generator().manual_seed(tasks)
    for step in range(5):
        rows = random_rows(tasks, step, norm_ratio, width=24)
        parts = zip(rows.split([12, 12], dim=1), usual, strict=True)
        expected = torch.cat([published(part, of_tensor, 0.5, generator) for part, of_tensor in parts])
        found = method.combine(rows, layout(12, 12), signals_of(rows))
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-12)
        torch.testing.assert_close(method.usual, usual)


@pytest.mark.parametrize("silent", [False, True])
def test_where_nothing_was_usual_it_is_pcgrad(silent: bool, signals_of: SignalsOf) -> None:
    """Half of the published sum (.584795, 3.801170, 3.801170); a silent third task leaves the problem."""
    rows = float64([*J_BASE, [0.0, 0.0, 0.0]] if silent else J_BASE)
    found = started(GradVac(), len(rows)).combine(rows, layout(3), signals_of(rows))
    expected = float64([0.2923977, 1.9005848, 1.9005848]) * 2 / len(rows)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)


def test_a_pair_turns_to_the_usual_cosine(signals_of: SignalsOf) -> None:
    """At 0.2: half of the published sum (.399098, 4.037512, 4.037512). Two tasks leave nothing to chance."""
    method, rows = started(GradVac(GradVacSettings(beta=0.0)), 2), float64(J_BASE)
    method.usual = float64([[[0.0, 0.2], [0.2, 0.0]]])
    found = method.combine(rows, layout(3), signals_of(rows))
    torch.testing.assert_close(found, float64([0.399098 / 2, 4.037512 / 2, 4.037512 / 2]), rtol=0, atol=1e-6)
    assert method.usual.tolist() == [[[0.0, 0.2], [0.2, 0.0]]]


@pytest.mark.parametrize("usual", [1.0, 1 - 1e-15, 0.999, -1.0])
def test_it_is_finite_at_the_ends(usual: float, signals_of: SignalsOf) -> None:
    for rows in (J_BASE, [[1.0, 0.0], [-2.0, 0.0]], [[1.0, 2.0], [1.0, 2.0]]):
        method = started(GradVac(HALF), 2)
        method.usual = torch.full((1, 2, 2), usual, dtype=torch.float64)
        assert method.combine(float64(rows), layout(len(rows[0])), signals_of(float64(rows))).isfinite().all()


def test_silent_tasks_keep_their_usual_cosines(signals_of: SignalsOf) -> None:
    method, rows = started(GradVac(HALF), 3), float64([[1.0, 0.0], [0.0, 0.0], [0.6, 0.8]])
    method.combine(rows, layout(2), signals_of(rows))
    assert method.usual is not None
    torch.testing.assert_close(method.usual, float64([[[0, 0, 0.3], [0, 0, 0], [0.3, 0, 0]]]))


def test_torchjd_agrees_on_one_tensor(signals_of: SignalsOf) -> None:
    """Step by step, with the order of tasks drawn from generators of the same seed."""
    torchjd = pytest.importorskip("torchjd.aggregation")
    method, peer = started(GradVac(HALF, Generator().manual_seed(7)), 4), torchjd.GradVac(eps=0.0)
    with torch.random.fork_rng([]):
        torch.default_generator.manual_seed(7)
        for step in range(5):
            rows = random_rows(4, step, norm_ratio=2.0)
            torch.testing.assert_close(4 * method.combine(rows, layout(12), signals_of(rows)), peer(rows))
