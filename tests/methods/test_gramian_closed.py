"""Methods on the Gramian in closed form: values worked by hand, whole gradients, and the peer library."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from bench.engine.gradients import inner_products
from methods import Gramian, Method, RunInfo, Signals, Weighting
from methods.aligned_mtl import AlignedMTL, AlignedMTLSettings
from methods.config import ConFIG
from methods.imtl_g import IMTLG
from methods.modo import MoDo
from methods.norm_equalised import NormEqualised
from methods.sdmgrad import SDMGrad
from methods.unit_norm import UnitNorm

SignalsOf = Callable[..., Signals]
J_BASE = [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]
SILENT = [*J_BASE, [0.0, 0.0, 0.0]]
UNIT_120 = [[1.0, 0.0], [-0.5, 0.75**0.5]]
DIAGONAL = [[1.0, 0.0], [0.0, 2.0]]
BETWEEN = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.7, 0.7, 0.02**0.5]]
"""Unit gradients that agree; C^+ 1 = (15, 15, -20), because the third lies nearly between the others."""
CLOSED = (ConFIG, IMTLG, AlignedMTL, UnitNorm, NormEqualised)
MODES = ("min", "median", "rmse")


def float64(values: Any) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def started(method: Method, tasks: int) -> Any:
    return method.start(RunInfo(tasks, torch.full((tasks,), 100), 10))


def after(method: Weighting, signals_of: SignalsOf, steps: Sequence[Tensor]) -> Tensor:
    """The direction of the last step, [P], of a run with these task gradients, [K, P] each."""
    started(method, len(steps[0]))
    for index, rows in enumerate(steps):
        signals = signals_of(rows, index)
        direction = method.combine_weights(signals) @ rows
        method.observe(replace(signals, cross_gramian=signals.gramian.matrix))
    return direction


def random_rows(tasks: int, seed: int, norm_ratio: float = 1.0, width: int = 12) -> Tensor:
    """Gradients, [K, P], most pairs of which conflict."""
    rows = torch.randn(tasks, width, dtype=torch.float64, generator=Generator().manual_seed(seed))
    rows = rows - 0.4 * rows.sum(dim=0)
    norms = torch.logspace(0, -math.log10(norm_ratio), tasks, dtype=torch.float64)
    return rows / rows.norm(dim=1, keepdim=True) * norms[:, None]


SHORTER = (1 + (18 / 38) ** 0.5) / 2
"""Mean over largest norm of J_BASE."""
GOLDEN: list[tuple[type[Weighting], Any, list[list[float]], list[float]]] = [
    # half of the published sum (.158809, 2.070607, 2.070607)
    (ConFIG, None, J_BASE, [0.158809 / 2, 2.070607 / 2, 2.070607 / 2]),
    # products 1/2 with the unit vector (1/2, sqrt 3/4), so that is the mean projection
    (ConFIG, None, UNIT_120, [0.25, 0.5 * 0.75**0.5]),
    # the same cosine, 1/sqrt 2, to both; mean projection 3/2 / sqrt 2
    (ConFIG, None, DIAGONAL, [0.75, 0.75]),
    # u = (1, 1, -sqrt 8) / sqrt 10, projections 1/sqrt 10
    (ConFIG, None, BETWEEN, [0.1, 0.1, -0.1 * 8**0.5]),
    (ConFIG, None, [[2.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]),  # nothing serves both
    # as published
    (IMTLG, None, J_BASE, [0.076697, 1.0, 1.0]),
    # weights 2/3 and 1/3: both projections are 2/3
    (IMTLG, None, DIAGONAL, [2 / 3, 2 / 3]),
    # weights 15, 15, -20 over 10: all projections are 1/10
    (IMTLG, None, BETWEEN, [0.1, 0.1, -0.1 * 8**0.5]),
    # a tenth of the third gradient: 15 + 15 - 200 = -170, so that the weights of sum 1 would oppose all; turned round
    (IMTLG, None, [*BETWEEN[:2], [0.07, 0.07, 0.1 * 0.02**0.5]], [1 / 170, 1 / 170, -(8**0.5) / 170]),
    # two thirds of it: 15 + 15 - 30 = 0, no weights of sum 1; the longest gradient's norm, 1
    (IMTLG, None, [*BETWEEN[:2], [1.4 / 3, 1.4 / 3, 0.02**0.5 / 1.5]], [0.1**0.5, 0.1**0.5, -(0.8**0.5)]),
    (IMTLG, None, [[2.0, 0.0], [-1.0, 0.0]], [0.0, 0.0]),
    # half of the published sum (.426557, 1.934666, 1.934666)
    (AlignedMTL, None, J_BASE, [0.426557 / 2, 1.934666 / 2, 1.934666 / 2]),
    # 1 is the eigenvector of the least eigenvalue, 1/2: the mean
    (AlignedMTL, None, UNIT_120, [0.25, 0.5 * 0.75**0.5]),
    # orthogonal: both get length 1, 1 or sqrt(5/2), then the mean
    (AlignedMTL, None, DIAGONAL, [0.5, 0.5]),
    (AlignedMTL, AlignedMTLSettings(scale="median"), DIAGONAL, [0.5, 0.5]),
    (AlignedMTL, AlignedMTLSettings(scale="rmse"), DIAGONAL, [0.5 * 2.5**0.5, 0.5 * 2.5**0.5]),
    # opposite: v = (2, -1) / sqrt 5 is the one eigenvector, and V V' 1 / 2 = (2, -1) / 10
    (AlignedMTL, None, [[2.0, 0.0], [-1.0, 0.0]], [0.5, 0.0]),
    # u_1 + u_2 times half the mean norm, 3/2
    (UnitNorm, None, DIAGONAL, [0.75, 0.75]),
    # that of NormEqualised, times the mean norm over the largest
    (UnitNorm, None, J_BASE, [0.188135 / 2 * SHORTER, 2.452966 / 2 * SHORTER, 2.452966 / 2 * SHORTER]),
    # half of the published sum (.188135, 2.452966, 2.452966)
    (NormEqualised, None, J_BASE, [0.188135 / 2, 2.452966 / 2, 2.452966 / 2]),
    (NormEqualised, None, DIAGONAL, [1.0, 1.0]),
    # the silent third task leaves the problem; the scale stays that of three tasks
    (ConFIG, None, SILENT, [0.158809 / 3, 2.070607 / 3, 2.070607 / 3]),
    (IMTLG, None, SILENT, [0.076697 * 2 / 3, 2 / 3, 2 / 3]),
    (AlignedMTL, None, SILENT, [0.426557 / 3, 1.934666 / 3, 1.934666 / 3]),
    (UnitNorm, None, [*DIAGONAL, [0.0, 0.0]], [0.5, 0.5]),
    (NormEqualised, None, SILENT, [0.188135 / 3, 2.452966 / 3, 2.452966 / 3]),
    # no step was observed: the mean
    (SDMGrad, None, J_BASE, [1.0, 1.0, 1.0]),
    (MoDo, None, J_BASE, [1.0, 1.0, 1.0]),
]


@pytest.mark.parametrize(("kind", "settings", "rows", "expected"), GOLDEN)
def test_values(
    kind: type[Weighting], settings: Any, rows: list[list[float]], expected: list[float], signals_of: SignalsOf
) -> None:
    found = after(kind(settings), signals_of, [float64(rows)])
    torch.testing.assert_close(found, float64(expected), rtol=0, atol=1e-6)  # published digits


@pytest.mark.parametrize("kind", [ConFIG, IMTLG])
@pytest.mark.parametrize("ratio", [1.0, 1e2, 1e4])
@pytest.mark.parametrize("cosine", [0.9, -0.3, -0.99])
def test_all_tasks_gain_alike(kind: type[Weighting], ratio: float, cosine: float, signals_of: SignalsOf) -> None:
    """One positive cosine to all; the last of the cosines is a task that opposes all others."""
    for tasks in (2, 3, 8):
        cosines = torch.full((tasks, tasks), cosine if cosine > 0 else 0.9801, dtype=torch.float64)
        if cosine < 0:
            cosines[0] = cosines[:, 0] = cosine
        norms = torch.logspace(0, -math.log10(ratio), tasks, dtype=torch.float64)
        rows = norms[:, None] * torch.linalg.cholesky(cosines.fill_diagonal_(1))
        direction = after(kind(), signals_of, [rows])
        found = (rows @ direction) / norms / direction.norm()
        expected = torch.linalg.solve(cosines, torch.ones(tasks, dtype=torch.float64)).sum() ** -0.5
        torch.testing.assert_close(found, expected.expand(tasks), rtol=1e-9, atol=0)


@pytest.mark.parametrize("kind", [ConFIG, IMTLG])
@pytest.mark.parametrize("shift", [-1.5, 0.0, 0.9])
def test_no_task_is_opposed(kind: type[Weighting], shift: float, signals_of: SignalsOf) -> None:
    """Also where tasks agree, shift -1.5: in 8 % of these, weights of sum 1 and equal projections oppose all."""
    source = Generator().manual_seed(3)
    for draw in range(60):
        rows = torch.randn(3 + draw % 3, 8, dtype=torch.float64, generator=source)
        rows = rows - shift * rows.mean(dim=0)
        spread = (1.5 * torch.randn(len(rows), 1, dtype=torch.float64, generator=source)).exp()
        rows = rows / rows.norm(dim=1, keepdim=True) * spread
        direction = after(kind(), signals_of, [rows])
        assert (rows @ direction / spread.flatten() / direction.norm()).min() > 0
        if kind is IMTLG:
            assert direction.norm() <= spread.max() * (1 + 1e-9)


def test_the_direction_does_not_depend_on_norms(signals_of: SignalsOf) -> None:
    """Of one task, too: ConFIG, IMTL-G and both norm rules."""
    rows, norms = random_rows(4, seed=0), float64([1.0, 1e-4, 30.0, 1e3])
    for kind in (ConFIG, IMTLG, UnitNorm, NormEqualised):
        plain, scaled = (after(kind(), signals_of, [each]) for each in (rows, norms[:, None] * rows))
        torch.testing.assert_close(scaled / scaled.norm(), plain / plain.norm(), rtol=1e-9, atol=1e-9)


def test_nine_million_parameters_change_nothing() -> None:
    """Above 2^23 a pseudo-inverse of float32 gradients [K, P] cuts every singular value."""
    width = 9_000_000
    rows = torch.empty(3, width).normal_(generator=Generator().manual_seed(0))
    rows[0] -= 0.5 * rows[1]
    rows[2] *= 1e-3
    gramian = inner_products(rows, rows)
    weights = ConFIG().weights(Gramian(gramian), None)  # type: ignore[arg-type]
    direction = (weights.float() @ rows)[None]
    length = inner_products(direction, direction).sqrt()
    found = inner_products(rows, direction) / length / Gramian(gramian).norms[:, None]
    expected = torch.linalg.solve(Gramian(gramian).cosines, torch.ones(3, dtype=torch.float64)).sum() ** -0.5
    torch.testing.assert_close(found, expected.expand(3, 1), rtol=1e-6, atol=0)


@pytest.mark.parametrize("scale", [1e-9, 1e9])
@pytest.mark.parametrize("kind", [*CLOSED, SDMGrad, MoDo])
def test_weights_have_no_unit(kind: type[Weighting], scale: float, signals_of: SignalsOf) -> None:
    steps = [random_rows(5, seed, norm_ratio=1e4) for seed in range(3)]
    plain, scaled = (after(kind(), signals_of, [factor * rows for rows in steps]) for factor in (1, scale))
    torch.testing.assert_close(scaled / scale, plain, rtol=1e-9, atol=1e-9 * plain.abs().max().item())


@pytest.mark.parametrize("kind", CLOSED)
def test_a_copy_of_every_task_changes_nothing(kind: type[Weighting], signals_of: SignalsOf) -> None:
    """Rank-deficient, and the same update."""
    rows = random_rows(2, seed=3, norm_ratio=1e3)
    plain, copied = (after(kind(), signals_of, [each]) for each in (rows, rows[[0, 1, 0, 1]]))
    torch.testing.assert_close(copied, plain, rtol=1e-9, atol=1e-12)


def published_aligned(rows: Tensor) -> Tensor:
    """Algorithm 1 on whole gradients: all principal components get the least singular value; mean for sum."""
    left, values, right = torch.linalg.svd(rows, full_matrices=False)
    return values.min() * (left @ right).mean(dim=0)


@pytest.mark.parametrize("norm_ratio", [1.0, 1e2, 1e4])
def test_aligned_mtl_on_whole_gradients(norm_ratio: float, signals_of: SignalsOf) -> None:
    for tasks in (1, 2, 3, 8):
        rows = random_rows(tasks, tasks, norm_ratio)
        torch.testing.assert_close(after(AlignedMTL(), signals_of, [rows]), published_aligned(rows), rtol=1e-9, atol=0)


def test_torchjd_agrees(signals_of: SignalsOf) -> None:
    """On gradients of like norms in float64, where its epsilons do not show; sums for means where it has sums."""
    torchjd = pytest.importorskip("torchjd.aggregation")
    for seed, tasks in enumerate((2, 3, 5)):
        rows = random_rows(tasks, seed, norm_ratio=2.0)
        signals = signals_of(rows)
        pairs = [
            (ConFIG(), torchjd.ConFIG(), tasks),
            (IMTLG(), torchjd.IMTLG(), 1),
            *((AlignedMTL(AlignedMTLSettings(scale=mode)), torchjd.AlignedMTL(scale_mode=mode), 1) for mode in MODES),
        ]
        for method, peer, times in pairs:
            torch.testing.assert_close(method.combine_weights(signals) @ rows * times, peer(rows), rtol=1e-6, atol=1e-9)
