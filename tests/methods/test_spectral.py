"""The shared Gramian mathematics: spectra, equal cosines, products of independent batches, shares of weights.

And the methods that are little more: SDMGrad and MoDo learn their weights from independent batches.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Gramian, Method, RunInfo, Signals, Weighting
from methods._spectral import (
    config_weights,
    cross_products,
    equal_cosine,
    gramian_spectrum,
    shares_among,
    spectrum,
    with_shares,
)
from methods.modo import MoDo, MoDoSettings
from methods.sdmgrad import SDMGrad, SDMGradSettings

SignalsOf = Callable[..., Signals]
NAN = math.nan


def float64(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def started(method: Method, tasks: int) -> Any:
    return method.start(RunInfo(tasks, torch.full((tasks,), 100), 10))


def random_rows(tasks: int, width: int, seed: int = 0) -> Tensor:
    return torch.randn(tasks, width, dtype=torch.float64, generator=Generator().manual_seed(seed))


def conflicting_rows(tasks: int, seed: int) -> Tensor:
    """Gradients, [K, 12], of norms that differ by a factor of three."""
    rows = random_rows(tasks, 12, seed)
    rows = rows - 0.4 * rows.sum(dim=0)
    return rows / rows.norm(dim=1, keepdim=True) * torch.logspace(0, -0.5, tasks, dtype=torch.float64)[:, None]


def random_gramian(tasks: int, width: int) -> Gramian:
    rows = random_rows(tasks, width)
    return Gramian(rows @ rows.T)


@pytest.mark.parametrize(("tasks", "width"), [(1, 3), (4, 9), (6, 2), (5, 1)])
def test_the_spectrum_has_the_rank_and_rebuilds_the_matrix(tasks: int, width: int) -> None:
    gramian = random_gramian(tasks, width)
    for values, vectors in (spectrum(gramian.matrix), gramian_spectrum(gramian)):
        assert len(values) == vectors.shape[1] == min(tasks, width)
        assert values.tolist() == sorted(values.tolist())
        torch.testing.assert_close(vectors * values @ vectors.T, gramian.matrix)


@pytest.mark.parametrize("ratio", [1.0, 1e2, 1e4, 1e8])
def test_small_eigenvalues_keep_their_digits_at_any_ratio_of_norms(ratio: float) -> None:
    """Of two gradients at cosine -0.9: the product of the eigenvalues is the determinant."""
    cosine = -0.9
    inner = cosine / ratio
    matrix = float64([[1.0, inner], [inner, ratio**-2]])
    largest = (1 + ratio**-2 + math.hypot(1 - ratio**-2, 2 * inner)) / 2
    values, _ = gramian_spectrum(Gramian(matrix))
    expected = [(1 - cosine**2) / ratio**2 / largest, largest]
    torch.testing.assert_close(values, float64(expected), rtol=1e-15 * max(ratio, 100), atol=0)


@pytest.mark.parametrize("factor", [1e-18, 1.0, 1e18])
def test_the_rank_does_not_depend_on_scale_or_norms(factor: float) -> None:
    norms = torch.logspace(0, -4, 5, dtype=torch.float64)
    matrix = random_gramian(5, 3).matrix * norms[:, None] * norms * factor
    assert len(gramian_spectrum(Gramian(matrix))[0]) == 3


def test_independent_gradients_have_product_one_with_the_sum() -> None:
    cosines = random_gramian(5, 9).cosines
    weights, products, square = equal_cosine(cosines)
    ones = torch.ones(5, dtype=torch.float64)
    torch.testing.assert_close(cosines @ weights, ones)
    torch.testing.assert_close(products, ones)
    torch.testing.assert_close(square, weights @ cosines @ weights)


@pytest.mark.parametrize(("tasks", "width"), [(3, 2), (6, 2), (5, 1)])
def test_dependent_gradients_come_as_close_as_they_can(tasks: int, width: int) -> None:
    """Against least squares on whole unit gradients."""
    rows = random_rows(tasks, width, seed=tasks)
    units = rows / rows.norm(dim=1, keepdim=True)
    weights, products, square = equal_cosine(units @ units.T)
    expected = torch.linalg.pinv(units) @ torch.ones(tasks, dtype=torch.float64)
    torch.testing.assert_close(weights @ units, expected)
    torch.testing.assert_close(products, units @ expected)
    torch.testing.assert_close(square, expected.square().sum())


def test_copies_of_a_task_share_its_weight() -> None:
    cosines = random_gramian(2, 4).cosines
    copied = [0, 1, 0, 0]
    weights, _, square = equal_cosine(cosines[copied][:, copied])
    expected, _, same = equal_cosine(cosines)
    torch.testing.assert_close(weights, expected[copied] / torch.tensor([3.0, 1.0, 3.0, 3.0]))
    torch.testing.assert_close(square, same)


@pytest.mark.parametrize("angle", [0.0, 0.1, 1.0])
def test_opposite_gradients_have_no_common_direction(angle: float) -> None:
    unit = float64([math.cos(angle), math.sin(angle)])
    rows = torch.stack([unit, -unit])
    assert [found.any().item() for found in equal_cosine(rows @ rows.T)] == [False] * 3
    assert config_weights(7 * rows @ rows.T).tolist() == [0, 0]


def test_a_square_without_an_estimate_is_the_measured_one(signals_of: SignalsOf) -> None:
    signals = signals_of(float64([[2.0, 0.0], [0.0, 0.0], [1.0, 3.0]]))
    cross = float64([[NAN, 0.0, 2.0], [0.0, NAN, 0.0], [2.0, 0.0, -1.0]])
    heard = torch.tensor([True, False, True])
    found = cross_products(replace(signals, cross_gramian=cross), heard)
    assert found.tolist() == [[4.0, 2.0], [2.0, -1.0]]


SHARES = [
    # weights, heard, shares of the heard; the shares they get, and the weights after
    ([0.2, 0.3, 0.5], [1, 1, 1], [0.2, 0.3, 0.5], [0.1, 0.2, 0.7], [0.1, 0.2, 0.7]),
    ([0.2, 0.3, 0.5], [1, 0, 1], [2 / 7, 5 / 7], [0.5, 0.5], [0.35, 0.3, 0.35]),  # the silent one keeps 0.3
    ([0.1, 0.9, 0.0], [1, 0, 1], [1.0, 0.0], [0.5, 0.5], [1 / 3, 1 / 3, 1 / 3]),  # 0.9 is more than a third
    ([0.0, 1.0, 0.0], [1, 0, 1], [0.5, 0.5], [0.75, 0.25], [0.5, 1 / 3, 1 / 6]),  # the heard have nothing: equal
    ([0.4, 0.1, 0.5], [1, 0, 0], [1.0], [1.0], [0.4, 0.1, 0.5]),  # two silent ones hold 0.6, of 2/3 allowed
]


@pytest.mark.parametrize(("weights", "heard", "shares", "found", "after"), SHARES)
def test_silent_tasks_keep_their_weight_but_not_all(
    weights: list[float], heard: list[int], shares: list[float], found: list[float], after: list[float]
) -> None:
    mask, before = torch.tensor(heard).bool(), float64(weights)
    torch.testing.assert_close(shares_among(before, mask), float64(shares))
    moved = with_shares(before, mask, float64(found))
    torch.testing.assert_close(moved, float64(after))
    assert before.tolist() == weights


UNPULLED = SDMGradSettings(pull=0.0, iterations=200)
LEARNED: list[tuple[Weighting, list[list[float]], list[list[float]], list[float]]] = [
    # w^2 + 4 (1 - w)^2 is least at 4/5
    (SDMGrad(UNPULLED), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]], [0.8, 0.2]),
    # pulled: w + .15 takes the place of w, and 1.3 that of 1: .89 and .11, then the mean is mixed in again
    (SDMGrad(SDMGradSettings(iterations=200)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]], [0.8, 0.2]),
    # the least norm of J_BASE is that of (0, 1, 1), weights .6 and .4
    (SDMGrad(UNPULLED), [[18.0, -22.0], [-22.0, 38.0]], [[18.0, -22.0], [-22.0, 38.0]], [0.6, 0.4]),
    # pulled hard: all of the weight there is goes to the first task, (1 + 50) and 50 over 101
    (SDMGrad(SDMGradSettings(pull=100.0)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]], [51 / 101, 50 / 101]),
    # the second gradient is measured as 4, all noise: it costs nothing, so it gets everything
    (SDMGrad(UNPULLED), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]], [0.0, 1.0]),
    # no estimate: as measured
    (SDMGrad(UNPULLED), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, NAN]], [0.8, 0.2]),
    # scale 5/2: (1/2, 1/2) - .1 (.2, .8) = (.48, .42), on the simplex (.53, .47)
    (MoDo(MoDoSettings(gamma=0.1, rho=0.0)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]], [0.53, 0.47]),
    # equal weights have no pull towards equal weights
    (MoDo(MoDoSettings(gamma=0.1, rho=0.1)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 4.0]], [0.53, 0.47]),
    # slopes .2 and 0: (.48, .5), on the simplex (.49, .51)
    (MoDo(MoDoSettings(gamma=0.1, rho=0.0)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 0.0]], [0.49, 0.51]),
    (MoDo(MoDoSettings(gamma=0.1, rho=0.0)), [[1.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, NAN]], [0.53, 0.47]),
]


@pytest.mark.parametrize(("method", "measured", "cross", "expected"), LEARNED)
def test_weights_learned_from_one_step(
    method: Weighting, measured: Any, cross: Any, expected: list[float], signals_of: SignalsOf
) -> None:
    signals = replace(
        signals_of(torch.eye(2).double()), gramian=Gramian(float64(measured)), cross_gramian=float64(cross)
    )
    started(method, 2).observe(signals)
    torch.testing.assert_close(method.combine_weights(signals), float64(expected), rtol=0, atol=1e-9)


@pytest.mark.parametrize("kind", [SDMGrad, MoDo])
def test_weights_of_a_step_know_only_earlier_steps(kind: type[Weighting], signals_of: SignalsOf) -> None:
    """So that they are independent of the gradients they weigh."""
    rows = [conflicting_rows(3, seed) for seed in range(3)]
    left, right = started(kind(), 3), started(kind(), 3)
    for method in (left, right):
        method.observe(signals_of(rows[0]))
    other = replace(signals_of(rows[1]), cross_gramian=signals_of(rows[2]).cross_gramian)
    assert torch.equal(left.combine_weights(signals_of(rows[1])), right.combine_weights(other))
    left.observe(signals_of(rows[1]))
    right.observe(other)
    assert not torch.equal(left.combine_weights(signals_of(rows[2])), right.combine_weights(signals_of(rows[2])))


def test_sdmgrad_finds_the_least_norm(signals_of: SignalsOf) -> None:
    """At its defaults and after some equal steps: all products with the sum are equal where there is weight to take."""
    for tasks in (2, 3, 5, 8):
        signals = signals_of(conflicting_rows(tasks, tasks))
        method = started(SDMGrad(), tasks)
        for _ in range(40):
            method.observe(signals)
        slopes = signals.gramian.matrix @ method.combine_weights(signals)
        least = slopes.min()
        assert (slopes[method.shares > 1e-12] - least < 1e-6 * signals.gramian.norms.max() ** 2).all()


def test_torchjd_agrees_on_weights_from_two_batches(signals_of: SignalsOf) -> None:
    """With the units of both: SDMGrad's step is over an eigenvalue here, and over the mean norm squared there."""
    torchjd = pytest.importorskip("torchjd.aggregation")
    rows = conflicting_rows(4, 0)
    signals = signals_of(rows)
    signals = replace(signals, cross_gramian=signals.gramian.matrix)
    rate = (signals.gramian.norms.mean() ** 2 / torch.linalg.eigvalsh(signals.gramian.matrix)[-1]).item()
    sdmgrad, modo = started(SDMGrad(), 4), started(MoDo(), 4)
    gamma = 0.1 / signals.gramian.matrix.diagonal().mean().item()
    peers = (
        (sdmgrad, torchjd.SDMGradWeighting(lr=rate)),
        (modo, torchjd.MoDoWeighting(gamma=gamma, rho=0.1 * 0.1 / gamma)),
    )
    for _ in range(4):
        for method, peer in peers:
            method.observe(signals)
            torch.testing.assert_close(
                method.combine_weights(signals), peer(signals.gramian.matrix), rtol=1e-6, atol=1e-9
            )
