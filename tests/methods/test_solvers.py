"""The quadratic program of UPGrad: its optimality conditions, and the guarantee that rests on them."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.optimize import nnls
from torch import Tensor

from methods import Gramian, Signals
from methods._solvers import dual_cone_weights
from methods.upgrad import UPGrad

Array = NDArray[np.float64]
Family = Callable[[np.random.Generator], Array]


def spread(rng: np.random.Generator, count: int, decades: float = 4) -> Array:
    """Norms over that many decades, [K, 1], both ends included."""
    norms = 10.0 ** rng.uniform(-decades, 0, count)
    norms[[0, -1]] = 10.0**-decades, 1.0
    return rng.permutation(norms)[:, None]


def count(rng: np.random.Generator) -> int:
    return int(rng.integers(2, 17))


def full_rank(rng: np.random.Generator) -> Array:
    k = count(rng)
    return rng.normal(size=(k, k + 4)) * spread(rng, k)


def low_rank(rng: np.random.Generator) -> Array:
    k = count(rng)
    return rng.normal(size=(k, max(1, k // 2))) * spread(rng, k)


def duplicates(rng: np.random.Generator) -> Array:
    k = count(rng)
    rows = rng.normal(size=(k, k + 2))
    rows[-1] = rows[0]
    rows[k // 2] = -3 * rows[0]
    return rows * spread(rng, k)


def one_against_all(rng: np.random.Generator) -> Array:
    """Every row at cosine -0.99 to the first."""
    k = count(rng)
    rest = rng.normal(size=(k - 1, 40))
    rest[:, 0] = 0
    rest /= np.linalg.norm(rest, axis=1, keepdims=True)
    first = np.eye(1, 40)
    return np.vstack([first, -0.99 * first + np.sqrt(1 - 0.99**2) * rest]) * spread(rng, k)


def all_against_all(rng: np.random.Generator, closeness: float = 0.999) -> Array:
    """Nearly the vertices of a simplex: the lowest cosine that all pairs can have at once."""
    k = count(rng)
    rows = np.eye(k) - closeness / k
    rows *= spread(rng, k) / np.linalg.norm(rows, axis=1, keepdims=True)
    return rows


def simplex(rng: np.random.Generator) -> Array:
    """No direction serves all: the dual cone is a point."""
    return all_against_all(rng, 1.0)


def nearly_dependent(rng: np.random.Generator) -> Array:
    """Of low rank up to 1e-6 .. 1e-12 of the norms: the Gramian cannot tell below 1e-8."""
    k = count(rng)
    rows = rng.normal(size=(k, max(1, k // 2))) @ rng.normal(size=(max(1, k // 2), k + 2))
    noise = 10.0 ** rng.uniform(-12, -6) * rng.normal(size=rows.shape)
    return (rows + noise) * spread(rng, k)


FAMILIES = [full_rank, low_rank, duplicates, one_against_all, all_against_all, simplex]


def problems(family: Family, number: int = 40) -> list[Tensor]:
    rng = np.random.default_rng(7)
    return [torch.from_numpy(family(rng)) for _ in range(number)]


def check_optimal(gramian: Tensor, start: Tensor, answer: Tensor, tolerance: float = 1e-9) -> None:
    """The KKT conditions, each relative to the size of the terms that cancel in it."""
    slack = gramian @ answer
    size = gramian.abs() @ answer.abs()
    assert answer.isfinite().all()
    assert (answer >= start).all()
    assert (slack >= -tolerance * size).all()
    assert (slack[answer > start] <= tolerance * size[answer > start]).all()


@pytest.mark.parametrize("family", [*FAMILIES, nearly_dependent])
def test_answers_meet_the_kkt_conditions(family: Family) -> None:
    for rows in problems(family):
        gramian = Gramian(rows @ rows.T)
        for matrix, start in [
            (gramian.cosines, torch.diag(gramian.norms)[0]),
            (gramian.matrix, torch.ones(len(rows)).double()),
        ]:
            check_optimal(matrix, start, dual_cone_weights(matrix, start))


@pytest.mark.parametrize("family", [full_rank, low_rank, duplicates, all_against_all])
def test_the_projection_agrees_with_least_squares(family: Family) -> None:
    """The sum is the projection even where the weights are not unique; witness: scipy's NNLS on the rows."""
    for rows in problems(family):
        units = rows / rows.norm(dim=1, keepdim=True)
        start = torch.linspace(-1, 1, len(rows), dtype=torch.float64)
        answer = dual_cone_weights(units @ units.T, start)
        witness = start.numpy() + nnls(units.T.numpy(), -(units.T @ start).numpy())[0]
        torch.testing.assert_close(units.T @ answer, units.T @ torch.from_numpy(witness), rtol=1e-7, atol=1e-9)


@pytest.mark.parametrize("scale", [1e-60, 1e-18, 1.0, 1e18, 1e60])
def test_scales_are_free(scale: float) -> None:
    rows = problems(all_against_all, 1)[0]
    gramian, start = rows @ rows.T, torch.diag(rows.norm(dim=1))[0]
    expected = dual_cone_weights(gramian, start)
    torch.testing.assert_close(dual_cone_weights(gramian * scale, start), expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(dual_cone_weights(gramian, start * scale) / scale, expected, rtol=1e-9, atol=0)


def test_nothing_moves_without_conflict() -> None:
    start = torch.tensor([0.0, 2.0, 1.0]).double()
    assert torch.equal(dual_cone_weights(torch.ones(3, 3).double(), start), start)


def test_a_zero_matrix_and_a_zero_start_are_answered() -> None:
    start = torch.tensor([0.0, 2.0]).double()
    assert torch.equal(dual_cone_weights(torch.zeros(2, 2).double(), start), start)
    assert torch.equal(dual_cone_weights(torch.eye(2).double(), 0 * start), 0 * start)


@pytest.mark.parametrize("family", FAMILIES)
def test_upgrad_opposes_no_task(family: Family, signals_of: Callable[[Tensor], Signals]) -> None:
    """Norm ratios of 1e4 and cosines of -0.99, where a regularised Gramian gives a conflicting direction."""
    for rows in problems(family):
        weights = UPGrad().combine_weights(signals_of(rows))
        direction = weights @ rows
        rounding = 1e-12 * (weights.abs() @ rows.norm(dim=1))  # below this the direction is zero, not a direction
        if direction.norm() > rounding:
            cosines = rows @ direction / rows.norm(dim=1) / direction.norm()
            assert cosines.min() >= -1e-9


def test_upgrad_is_zero_where_no_direction_serves_all(signals_of: Callable[[Tensor], Signals]) -> None:
    for rows in problems(simplex):
        weights = UPGrad().combine_weights(signals_of(rows))
        assert (weights @ rows).norm() <= 1e-12 * (weights @ rows.norm(dim=1))


def test_upgrad_agrees_with_torchjd_where_torchjd_is_exact(signals_of: Callable[[Tensor], Signals]) -> None:
    """Balanced and well scaled rows only: there its regularisation of 1e-4 stays below the tolerance."""
    aggregation = pytest.importorskip("torchjd.aggregation", reason="torchjd is an optional peer")
    try:
        peer = aggregation.UPGrad()
    except ImportError as missing:
        pytest.skip(f"torchjd lacks its solver: {missing}")
    rng = np.random.default_rng(3)
    for k in (2, 3, 4, 8):
        rows = torch.from_numpy(rng.normal(size=(k, 50)))
        rows = rows / rows.norm(dim=1, keepdim=True)
        ours = UPGrad().combine_weights(signals_of(rows)) @ rows
        torch.testing.assert_close(ours, peer(rows), rtol=0, atol=1e-3)
