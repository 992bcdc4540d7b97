"""Gramian methods that solve an optimisation problem: golden values, optimality, and agreement with TorchJD."""

import math
from dataclasses import replace

import pytest
import torch
from torch import Generator, Tensor

from methods import GramianWeighting, RunInfo
from methods._battery.inputs import signals_of
from methods._fairness import fair_weights
from methods._halfspaces import halfspace_weights
from methods._simplex import project_simplex
from methods.cagrad import CAGrad, CAGradSettings, best_in_ball
from methods.dualproj import DualProj
from methods.fairgrad import FairGrad, FairGradSettings
from methods.mgda import MGDA, MGDASettings
from methods.nash_mtl import NashMTL
from methods.pcd import PCD

J_BASE = torch.tensor([[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]).double()
"""Two gradients at inner product -22 and squared norms 18 and 38; their mean is (1, 1, 1)."""


def vector(*entries: float) -> Tensor:
    return torch.tensor(entries, dtype=torch.float64)


def direction(method: GramianWeighting, rows: Tensor) -> Tensor:
    method.start(RunInfo(len(rows), torch.ones(len(rows)), 10))
    return method.combine_weights(signals_of(rows)) @ rows


def as_long_as_the_mean_along(published: Tensor) -> Tensor:
    """A published direction with our length: that of the mean gradient's projection on it."""
    return published * (published.sum() / (published @ published))


GOLDEN = [
    # the shortest vector of the segment from g1 to g2 lies at 0.6 g1 + 0.4 g2
    (MGDA(), vector(0.0, 1.0, 1.0), 1e-9),
    # of the unit gradients' segment it is half of each: proportional to g1 / sqrt(18) + g2 / sqrt(38)
    (
        MGDA(MGDASettings(normalise="l2")),
        as_long_as_the_mean_along(J_BASE[0] / 18**0.5 + J_BASE[1] / 38**0.5),
        1e-9,
    ),
    # the mean opposes g1 by -2: 2/18 of g1 takes that away, and g2 still gains
    (DualProj(), vector(5 / 9, 10 / 9, 10 / 9), 1e-9),
    # published without rescaling; ours is divided by 1 + c
    (CAGrad(CAGradSettings(c=0.5)), vector(0.183503, 1.204124, 1.204124) / 1.5, 1e-6),
    # published divided by 1 + c^2
    (CAGrad(CAGradSettings(c=0.4)), vector(0.298968, 1.002844, 1.002844) * 1.16 / 1.4, 1e-6),
    # c = 0 leaves the mean alone
    (CAGrad(CAGradSettings(c=0.0)), vector(1.0, 1.0, 1.0), 1e-12),
    # published: M a = 1 / a
    (NashMTL(), as_long_as_the_mean_along(vector(0.076584, 0.998533, 0.998533)), 1e-5),
    # published: M w = w^(-1/2)
    (
        FairGrad(FairGradSettings(alpha=2.0)),
        as_long_as_the_mean_along(vector(0.031274, 0.790817, 0.790817)),
        1e-5,
    ),
    # fairness of degree one is that of Nash-MTL
    (FairGrad(FairGradSettings(alpha=1.0)), as_long_as_the_mean_along(vector(0.076584, 0.998533, 0.998533)), 1e-5),
]


@pytest.mark.parametrize(("method", "expected", "tolerance"), GOLDEN)
def test_golden_values(method: GramianWeighting, expected: Tensor, tolerance: float) -> None:
    torch.testing.assert_close(direction(method, J_BASE), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("normalise", ["none", "l2", "loss", "loss+"])
def test_parallel_gradients_of_other_lengths_leave_mgda_one_answer(normalise: str) -> None:
    """Their weights are not unique once normalised; the direction is, at any scale and in any order."""
    method = MGDA(MGDASettings(normalise=normalise))
    rows = torch.stack([J_BASE[0], 1e4 * J_BASE[0], J_BASE[1], 0.01 * J_BASE[1]])
    expected = direction(method, rows)
    signals = signals_of(rows)
    order = [3, 2, 1, 0]
    moved = replace(signals_of(rows[order]), rewards=signals.rewards[order], losses=signals.losses[order])
    torch.testing.assert_close(method.combine_weights(moved) @ rows[order], expected, rtol=1e-9, atol=0)
    torch.testing.assert_close(direction(method, 1e7 * rows), 1e7 * expected, rtol=1e-9, atol=0)
    assert (rows @ expected > 0).all()


def test_pcd_by_hand() -> None:
    """First step: both g~ are unit vectors at cosine c. For either primary, tau - c of the other is added."""
    units = J_BASE / J_BASE.norm(dim=1, keepdim=True)
    cosine = (units[0] @ units[1]).item()
    parts = [units[i] + (0.02 - cosine) * units[1 - i] for i in (0, 1)]
    expected = sum(part / part.norm() * row.norm() for part, row in zip(parts, J_BASE, strict=True)) / 2
    torch.testing.assert_close(direction(PCD(), J_BASE), expected)


def conflicting(seed: int, tasks: int = 4, width: int = 12) -> Tensor:
    """Gradients of like norms that conflict."""
    rows = torch.randn(tasks, width, dtype=torch.float64, generator=Generator().manual_seed(seed))
    rows = rows / rows.norm(dim=1, keepdim=True)
    return rows - 0.5 * rows.mean(dim=0)


@pytest.mark.parametrize("seed", range(6))
def test_pcd_averages_torchjds_over_the_primaries(seed: int) -> None:
    aggregation = pytest.importorskip("torchjd.aggregation")
    rows = 100 * conflicting(seed)  # its epsilon of 1e-8 stands beside squared norms
    turned = [rows[[i, *(j for j in range(len(rows)) if j != i)]] for i in range(len(rows))]
    peers = torch.stack([aggregation.PCD()(each) for each in turned])
    torch.testing.assert_close(direction(PCD(), rows), peers.mean(dim=0), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("seed", range(6))
def test_mgda_and_dualproj_agree_with_torchjd_on_balanced_gradients(seed: int) -> None:
    """TorchJD adds 1e-4 to the diagonal for DualProj, and stops Frank-Wolfe at 1e-3 for MGDA."""
    aggregation = pytest.importorskip("torchjd.aggregation")
    pytest.importorskip("qpsolvers")
    pytest.importorskip("quadprog")
    rows = conflicting(seed)
    torch.testing.assert_close(direction(DualProj(), rows), aggregation.DualProj()(rows), rtol=0, atol=2e-3)
    torch.testing.assert_close(direction(MGDA(), rows), aggregation.MGDA(max_iters=2000)(rows), rtol=0, atol=2e-2)


def test_a_later_norm_moves_pcd_by_its_running_mean() -> None:
    """beta = 0.999, one task three times as loud in the second step: its mean square is (0.999 + 9) / 1.999."""
    method = PCD().start(RunInfo(2, torch.ones(2), 10))
    units = J_BASE / J_BASE.norm(dim=1, keepdim=True)
    method.observe(signals_of(units))
    louder = units * vector(3.0, 1.0)[:, None]
    length = 3 / math.sqrt((0.999 + 9) / 1.999)
    cosine = (units[0] @ units[1]).item()
    first = length * units[0] + (0.02 - length * cosine) * units[1]
    second = units[1] + (0.02 * length - cosine) * units[0]
    expected = (3 * first / first.norm() + second / second.norm()) / 2
    torch.testing.assert_close(method.combine_weights(signals_of(louder)) @ louder, expected)


def problems(count: int) -> list[Tensor]:
    """Gradients of 2 to 8 tasks, some of deficient rank, norms up to 1e4 apart, cosines down to -0.99."""
    found = []
    for seed in range(count):
        chance = Generator().manual_seed(seed)
        tasks, width = 2 + seed % 7, (30, 3)[seed % 4 == 3]
        rows = torch.randn(tasks, width, dtype=torch.float64, generator=chance)
        rows = rows / rows.norm(dim=1, keepdim=True)
        rows = rows - (0.9 if seed % 2 else 0.3) * rows.mean(dim=0)
        found.append(rows * torch.logspace(0, -(seed % 5), tasks, dtype=torch.float64)[:, None])
    return found


def test_the_nearest_point_of_half_spaces_meets_the_optimality_conditions() -> None:
    """Or it proves that there is none: y >= 0, sum y g = 0, sum y demand > 0 (Farkas)."""
    contradicted = 0
    for number, rows in enumerate(problems(300)):
        units = rows / rows.norm(dim=1, keepdim=True)
        inner, chance = units @ units.T, Generator().manual_seed(number)
        start = torch.randn(len(rows), dtype=torch.float64, generator=chance)
        demand = torch.randn(len(rows), dtype=torch.float64, generator=chance)
        found, met = halfspace_weights(inner, start, demand)
        if met:
            excess, added = inner @ found - demand, found - start
            size = 1 + found.abs().sum()
            assert (excess >= -1e-11 * size).all()
            assert (added >= 0).all()
            assert (added * excess).abs().max() <= 1e-10 * size**2
        else:
            contradicted += 1
            assert (found >= 0).all()
            assert (found @ units).norm() <= 1e-7 * found.sum()
            assert found @ demand > 0
    assert 10 < contradicted < 250, "both answers must be tried"


@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0, 5.0])
def test_fair_weights_solve_their_equation(alpha: float) -> None:
    """M w is in proportion to w^(-1/alpha), at any norm ratio."""
    solved = 0
    for rows in problems(120):
        gramian = signals_of(rows).gramian
        weights = fair_weights(gramian, alpha)
        if weights.any():
            solved += 1
            ratio = (gramian.matrix @ weights) / weights ** (-1 / alpha)
            torch.testing.assert_close(ratio, ratio.mean().expand_as(ratio), rtol=1e-6, atol=0)
            direction = weights @ rows
            assert (direction @ rows.mean(dim=0)).item() == pytest.approx((direction @ direction).item())
    assert solved > 60


@pytest.mark.parametrize("alpha", [0.5, 1.0, 5.0])
def test_fair_weights_oppose_no_task_at_the_limit_of_the_gramian(alpha: float) -> None:
    """Of rank 2 up to 1e-6 .. 1e-9 of the norms: what rounding hides gives zeros, never NaN or a conflict."""
    zeros = 0
    for seed in range(120):
        chance = Generator().manual_seed(seed)
        tasks = 4 + seed % 5
        factors = [torch.randn(shape, dtype=torch.float64, generator=chance) for shape in ((tasks, 2), (2, tasks + 2))]
        noise = 10.0 ** (-6 - seed % 4) * torch.randn(tasks, tasks + 2, dtype=torch.float64, generator=chance)
        norms = torch.logspace(0, -4, tasks, dtype=torch.float64)[torch.randperm(tasks, generator=chance)]
        rows = (factors[0] @ factors[1] + noise) * norms[:, None]
        weights = fair_weights(signals_of(rows).gramian, alpha)
        assert weights.isfinite().all()
        assert (rows @ (weights @ rows) >= 0).all()
        zeros += not weights.any()
    assert 20 < zeros < 100, "both answers must be tried"


@pytest.mark.parametrize("c", [0.1, 0.5, 1.0, 2.0])
def test_cagrad_leaves_no_duality_gap(c: float) -> None:
    """min_k <g_k, d> within the ball is at most min_w <g_w, g_0> + c |g_0| |g_w| over the simplex: both are equal."""
    for rows in problems(150):
        units, norms = rows / rows.norm(dim=1, keepdim=True), rows.norm(dim=1) / rows.norm(dim=1).max()
        given = units * norms[:, None]
        mean = given.mean(dim=0)
        found = best_in_ball(units @ units.T, norms / len(norms), 1 / norms, c)
        direction, added = found @ units, (found - norms / len(norms)) / norms
        assert (direction - mean).norm() <= c * mean.norm() * (1 + 1e-7)
        weights = added.clamp(min=0) / added.clamp(min=0).sum() if added.max() > 0 else None
        if weights is None:  # the mean is already the best for the task that gains least
            continue
        combined = weights @ given
        bound = combined @ mean + c * mean.norm() * combined.norm()
        reached = (given @ direction).min()
        _, served = halfspace_weights(units @ units.T, torch.zeros_like(norms), torch.ones_like(norms))
        if not served and c >= 1:  # some g_w is zero, so that no level above 0 can be reached, and 0 is within reach
            assert reached >= -1e-12
            continue
        assert reached >= bound - 1e-7 * mean.norm() * norms.min()


def test_cagrad_with_the_whole_ball_opposes_no_task() -> None:
    """c = 1 is its only setting with that promise."""
    method = CAGrad(CAGradSettings(c=1.0))
    for rows in problems(200):
        found = direction(method, rows)
        if found.norm() > 1e-9 * rows.norm():  # else there is no direction that serves all
            cosines = rows @ found / (rows.norm(dim=1) * found.norm())
            assert cosines.min() >= -1e-9


def test_projection_on_the_simplex() -> None:
    """Known points, and the optimality condition: equal surplus on the support, no more elsewhere."""
    assert project_simplex(vector(0.2, 0.3, 0.5)).tolist() == pytest.approx([0.2, 0.3, 0.5])
    assert project_simplex(vector(5.0, 0.0, 0.0)).tolist() == [1.0, 0.0, 0.0]
    assert project_simplex(vector(1.0, 1.0, -9.0)).tolist() == [0.5, 0.5, 0.0]
    for seed in range(200):
        given = 10 ** (seed % 5 - 2) * torch.randn(6, dtype=torch.float64, generator=Generator().manual_seed(seed))
        found = project_simplex(given)
        surplus = given - found
        assert found.sum().item() == pytest.approx(1, abs=1e-12)
        assert (found >= 0).all()
        assert surplus[found > 0].max() - surplus[found > 0].min() <= 1e-12 * (1 + given.abs().max())
        assert (surplus[found == 0] <= surplus[found > 0].min() + 1e-12).all()
