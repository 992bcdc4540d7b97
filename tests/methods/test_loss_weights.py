"""Methods that choose loss weights: golden values, trajectories by hand, and the papers' losses differentiated."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Gramian, LossWeighting, RunInfo, Signals, _registry
from methods._weights import Logits, log_loss_weights, part_of_run, smoothed
from methods.coba import convergence_weights, slope

NAN = math.nan
MakeSignals = Callable[..., Signals]


def vector(*values: float) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def started(name: str, tasks: int, steps: int = 10, **values: Any) -> LossWeighting:
    cls = _registry.load(name)
    if "decay" in cls.Settings.model_fields:
        values = {"decay": 0.0, **values}  # the paper's rule, on the loss of the step itself
    method = cls(cls.Settings(**values)).start(RunInfo(tasks, torch.full((tasks,), 100), steps))
    assert isinstance(method, LossWeighting)
    return method


def step(gaps: Sequence[float], norms: Sequence[float] | None = None) -> Signals:
    """A step with these gaps, as losses where there are no rewards: they can be larger than 1."""
    losses, none = vector(*gaps), torch.full((len(gaps),), NAN, dtype=torch.float64)
    gramian = torch.diag(vector(*(norms or [1.0] * len(gaps))).square())
    return Signals(0, losses, none, none, none, none, none, none, Gramian(gramian), gramian)


def answers(method: LossWeighting, *steps: Signals) -> list[Tensor]:
    """The weights at every step."""
    found = []
    for signals in steps:
        found.append(method.weights(signals))
        method.observe(signals)
    return found


UP, DOWN = math.exp(0.025), math.exp(-0.025)
"""Adam's first step moves a logit by the rate, whatever the gradient's size."""
GOLDEN = [
    # the gradient of (2 * 1 * .5)^(1/3) is proportional to (1/2, 1, 2)
    ("gls", {}, [(2, 1, 0.5)], (1 / 7, 2 / 7, 4 / 7)),
    # means (2 + 4)/2, (1 + 1)/2: 1/3 against 1
    ("gls", {"decay": 0.5}, [(4, 1), (2, 1)], (1 / 4, 3 / 4)),
    # xi = 0: the published coefficients of grad L_k
    ("famo", {}, [(2, 1, 0.5)], (0.142857, 0.285714, 0.571429)),
    # log ratios .105361, .051293, 0: the gradient is positive for the first alone
    ("famo", {}, [(2, 1, 0.5), (1.8, 0.95, 0.5)], (0.1475702, 0.2939427, 0.5584871)),
    # published w = (.875268, 1.443073, .681659), here of log L: w / L over its sum
    ("igb", {}, [(4, 1, 2), (2, 1, 0.5)], (0.875268 / 2 / 3.244025, 1.443073 / 3.244025, 0.681659 / 0.5 / 3.244025)),
    # before the early level is known: the mean of log losses
    ("igb", {}, [(2, 1, 0.5)], (1 / 7, 2 / 7, 4 / 7)),
    # published weights of log L (.285714, .571429, .142857) over L: in proportion to 1 / nadir
    ("stch", {"mu": 1.0}, [(4, 1, 2), (2, 1, 0.5)], (0.142857, 0.571429, 0.285714)),
    # squares of (1/2, 1, 1/4) over L are (1/8, 1, 1/8)
    ("stch", {"mu": 0.5}, [(4, 1, 2), (2, 1, 0.5)], (0.1, 0.8, 0.1)),
    # epochs of one step: the published (.947412, 1.216501, .836088), which sum to K = 3
    ("dwa", {}, [(4, 1, 2), (2, 1, 0.5), (9, 9, 9)], (0.947412 / 3, 1.216501 / 3, 0.836088 / 3)),
    # epochs of two steps: mean ratios 1 and 2; the fifth step has no say yet
    ("dwa", {"epoch": 0.2, "temperature": 1.0}, [(1, 1), (3, 1), (2, 1), (2, 3), (9, 0)], (1 / (1 + math.e), 0.731059)),
    # one epoch only
    ("dwa", {}, [(4, 1), (1, 1)], (0.5, 0.5)),
    # gradients (1 - L) / 2 = -1/2, 0, 1/4 at s = 0
    ("uw", {}, [(2, 1, 0.5), (1, 1, 1)], (DOWN / (DOWN + 1 + UP), 1 / (DOWN + 1 + UP), UP / (DOWN + 1 + UP))),
    # the step's own loss counts: e^(ln 2) against 1
    ("group_dro", {"step": 1.0}, [(math.log(2), 0, 0)], (0.5, 0.25, 0.25)),
    # and the one before: 4 against 1
    ("group_dro", {"step": 1.0}, [(math.log(2), 0, 0), (math.log(2), 0, 0)], (2 / 3, 1 / 6, 1 / 6)),
    # rewards (.2, .5, .8), then (.35, .55, .8): s = .22, .16, .16
    ("mt_grpo", {}, [(0.8, 0.5, 0.2), (0.65, 0.45, 0.2)], (0.3223163, 0.3388418, 0.3388418)),
    # slopes -.05 and -.1: DF = 1, RCS is .660757 and .339243
    ("coba", {}, [(1, 1), (1, 1), (0.9, 0.8)], (0.655437, 0.344563)),
    # solved in the warm-up and lost after it: L(0) counts as 1, slopes .15 and 0, RCS .880797 and .119203
    ("coba", {}, [(0, 0.5), (0, 0.5), (0.3, 0.5)], (0.821007, 0.178993)),
    # warm-up
    ("coba", {}, [(1, 1), (0.9, 0.8)], (0.5, 0.5)),
    ("gradnorm", {}, [(1, 1), (0.9, 0.8)], (0.5, 0.5)),
]  # fmt: skip
STATEFUL = sorted({name for name, *_ in GOLDEN})


@pytest.mark.parametrize(("name", "values", "gaps", "expected"), GOLDEN)
def test_golden(name: str, values: dict[str, Any], gaps: list[Sequence[float]], expected: Sequence[float]) -> None:
    found = answers(started(name, len(expected), **values), *map(step, gaps))[-1]
    torch.testing.assert_close(found, vector(*expected), rtol=0, atol=2e-6)


GRADIENTS = [
    # J^T delta
    ("famo", {}, [(2, 1, 0.5), (1.8, 0.95, 0.5)], None, (0.017714, -0.000308, -0.017406)),
    # published at lambda .2 and clip .2
    ("mt_grpo", {}, [(0.8, 0.5, 0.2), (0.65, 0.45, 0.2)], None, (0.013333, -0.006667, -0.006667)),
    # improvements .5 and -.5 count as .2 and -.2
    ("mt_grpo", {"level": 0.0}, [(0.7, 0.3), (0.2, 0.8)], None, (0.1, -0.1)),
    # the louder is above the mean: slopes 1 and -1/3 in units of its norm
    ("gradnorm", {"alpha": 0.0}, [(1, 1), (1, 1)], (3, 1), (1 / 3, -1 / 3)),
    # the first is at the mean up to rounding, whose sign depends on the order: slopes 0, 1 and -1/3, about 2/9
    ("gradnorm", {"alpha": 0.0}, [(1, 1, 1), (1, 1, 1)], (2, 3, 1), (-2 / 27, 7 / 27, -5 / 27)),
    # the third has no gradient and no say: slopes 1 and -2/3, about 1/6
    ("gradnorm", {"alpha": 1.0}, [(1, 1, 1), (1, 1, 0.01)], (3, 2, 0), (5 / 18, -5 / 18, 0)),
]


@pytest.mark.parametrize(("name", "values", "gaps", "norms", "gradient"), GRADIENTS)
def test_the_gradient_of_the_logits(
    name: str, values: dict[str, Any], gaps: list[Sequence[float]], norms: Sequence[float], gradient: Sequence[float]
) -> None:
    """Adam's first moment after one step is a tenth of it."""
    method = started(name, len(gradient), **values)
    answers(method, *(step(row, norms) for row in gaps))
    logits = method.state_dict()["logits"]
    assert logits.steps == 1
    torch.testing.assert_close(logits.mean * 10, vector(*gradient), rtol=0, atol=1e-6)


COBA = [
    # RCS .752336, .247664; ACS .295948, .704052; DF .022406
    ([(-0.10, -0.05), (-0.08, -0.06), (-0.02, -0.07)], (-0.05, -0.06, -0.02), (0.315333, 0.684667)),
    # RCS as above; ACS .302941, .697059; DF 1.986614, so that ACS counts with the opposite sign
    ([(-0.10, -0.05), (-0.02, -0.07)], (-0.02, -0.06), (0.941742, 0.058258)),
    # DF about 30: the lighter weight would vanish, and has a tenth of 1/2
    ([(-0.01, -0.02)] * 30, (*[-0.01] * 29, -1.0), (0.95, 0.05)),
]


@pytest.mark.parametrize(("slopes", "worst", "expected"), COBA)
def test_coba_on_given_slopes(slopes: list[Sequence[float]], worst: Sequence[float], expected: Sequence[float]) -> None:
    found = convergence_weights(torch.stack([vector(*row) for row in slopes]), vector(*worst), tau=5.0)
    torch.testing.assert_close(found, vector(*expected), rtol=0, atol=1e-6)


def test_coba_turns_from_a_diverging_task() -> None:
    """While the worst task falls, the slower one weighs more; when it rises, the one that rises weighs less."""
    converging = [(1, 1), *((1 - 0.01 * t, 1 - 0.05 * t) for t in range(8))]
    diverging = [(converging[-1][0] + 0.1 * t, converging[-1][1] - 0.05 * t) for t in range(1, 7)]
    method = started("coba", 2, steps=20, warm_up=0.1)
    found = answers(method, *map(step, converging + diverging))
    assert found[8][0] > 0.6
    assert found[-1][0] < 0.4
    assert len(method.state_dict()["worst"]) == len(found) - 2  # the window of 6 does not cut it
    method.observe(step((NAN, NAN)))
    assert method.state_dict()["worst"][-1] > 0  # a step that nobody measured


def test_slopes_skip_what_is_unknown_and_ignore_rounding() -> None:
    rows = torch.stack([vector(1, NAN, 5, 7), vector(*[0.1] * 4), vector(NAN, 2, NAN, NAN)], dim=1)
    assert slope(rows).tolist() == pytest.approx([2, 0, 0], abs=0, rel=1e-12)


def test_random_weights_have_the_published_spread() -> None:
    """The logarithm of a ratio of two weights is the difference of two normal draws: mean 0, variance 2."""
    method = _registry.load("rlw")(generator=Generator().manual_seed(1))
    assert isinstance(method, LossWeighting)
    draws = torch.stack([method.weights(step((1, 1, 1))) for _ in range(2000)])
    ratios = (draws[:, 0] / draws[:, 1]).log()
    torch.testing.assert_close(draws.sum(dim=1), torch.ones(2000, dtype=torch.float64))
    assert ratios.mean().abs() < 5 * (2 / 2000) ** 0.5
    assert (ratios.var() - 2).abs() < 5 * 2 * (2 / 2000) ** 0.5


def test_uncertainty_settles_at_the_loss() -> None:
    method = started("uw", 3, rate=0.1)
    answers(method, *[step((2.0, 0.5, 0.1))] * 150)
    assert method.state_dict()["log_variance"].value.exp().tolist() == pytest.approx([2.0, 0.5, 0.1], rel=0.05)


def test_uncertainty_survives_a_task_that_stays_solved() -> None:
    method = started("uw", 2)
    solved = Logits.zeros(2).stepped(vector(1.0, 1.0), 1e4)
    method.load_state_dict({**method.state_dict(), "log_variance": solved})
    assert all(found.isfinite().all() for found in answers(method, *map(step, [(0, 0.5), (0.5, 0.5), (0.5, 0)])))


def test_gradnorm_evens_weighted_norms_at_any_scale() -> None:
    for scale in (1e-9, 1.0, 1e9):
        method = started("gradnorm", 2, steps=20, alpha=0.0)
        found = answers(method, *[step((0.5, 0.5), (10 * scale, scale))] * 80)[-1]
        torch.testing.assert_close(found, vector(1 / 11, 10 / 11), rtol=0, atol=0.02)


def test_gradnorm_favours_the_task_that_lags() -> None:
    """r = 4/3, 2/3: at alpha 2 the targets are 8/9 and 2/9 of a sum that is 1, and 7/9 to 8/9 is as near as can be."""
    assert 7 / 9 < answers(started("gradnorm", 2, alpha=2.0), step((1, 1)), *[step((1, 0.5))] * 80)[-1][0] < 8 / 9


@pytest.mark.parametrize("name", STATEFUL)
def test_identical_tasks_share_equally(name: str) -> None:
    rows = [(0.3 + 0.1 * (t % 4),) * 7 for t in range(12)]
    for found in answers(started(name, 7), *(step(row, (0.3,) * 7) for row in rows)):
        torch.testing.assert_close(found, torch.full((7,), 1 / 7, dtype=torch.float64), rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", STATEFUL)
def test_a_step_without_any_task_changes_no_weight(name: str) -> None:
    method = started(name, 3)
    answers(method, *map(step, [(0.5, 0.4, 0.9), (0.4, 0.3, 0.9), (0.3, 0.4, 0.8), (0.2, 0.3, 0.8)]))
    probe = step((0.3, 0.3, 0.7))
    before = method.weights(probe)
    method.observe(step((NAN, NAN, NAN), (0.0, 0.0, 0.0)))
    if name != "coba":  # for which time passes
        torch.testing.assert_close(method.weights(probe), before, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", STATEFUL)
@pytest.mark.parametrize("odd", [NAN, 0.0])
def test_absent_and_solved_tasks_leave_finite_weights(name: str, odd: float) -> None:
    """From the first step, in the middle, for one task or for all."""
    pattern = [(odd, 0.5, 0.6), (odd, 0.4, 0.5), (0.3, odd, 0.4), (odd, odd, odd), (0.2, 0.3, odd), (0.1, odd, odd)]
    method = started(name, 3)
    for row in [*pattern, *pattern]:
        signals = step(row, [float(gap > 0) for gap in row])
        found = method.weights(signals)
        assert (found >= 0).all()
        assert found.sum().item() == pytest.approx(1, abs=1e-12)
        method.observe(signals)


@pytest.mark.parametrize("name", ["famo", "gls", "igb", "stch"])
def test_log_losses_have_no_use_for_a_solved_task(name: str) -> None:
    assert answers(started(name, 3), step((0.5, 0.4, 0.2)), step((0.0, 0.4, 0.2)))[-1][0] == 0


def test_rewards_come_first(signals_of: MakeSignals) -> None:
    """A policy-gradient surrogate has no say where there are rewards."""
    signals = replace(signals_of(torch.eye(2).double()), rewards=vector(0.5, 0.75), losses=vector(-3.0, 4.0))
    assert started("gls", 2).weights(signals).tolist() == pytest.approx([1 / 3, 2 / 3])


LOSSES = [(2.0, 1.0, 0.5), (1.8, 0.95, 0.5), (1.2, 1.1, 0.4), (1.3, 0.7, 0.45), (0.9, 0.5, 0.1), (0.3, 0.6, 0.2)]


def gradient_weights(total: Callable[[Tensor], Tensor], losses: Tensor) -> Tensor:
    """What a scalarisation weighs the gradient of each loss by, scaled to sum 1."""
    values = losses.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(values), values)
    return gradient / gradient.sum()


@pytest.mark.parametrize("name", ["dwa", "famo", "gls", "stch", "uw"])
def test_the_published_losses_give_these_weights(name: str) -> None:
    """Over a trajectory, the gradients of TorchJD's scalarisations, which others wrote from the papers."""
    peers = pytest.importorskip("torchjd.scalarization")
    smooth = peers.STCH(0.3, weights=torch.ones(3, dtype=torch.float64))
    totals = {"dwa": peers.DWA(), "famo": peers.FAMO(3).double(), "gls": peers.GeometricMean(), "uw": peers.UW(3)}
    total = totals.get(name, lambda losses: smooth((losses / vector(*LOSSES[0])).log()))
    optimizer = torch.optim.Adam(totals["uw"].double().parameters(), lr=0.025)
    ours = started(name, 3, mu=0.3) if name == "stch" else started(name, 3)
    for at, losses in enumerate(vector(*row) for row in LOSSES):
        if at and name == "famo":
            total.update(losses)
        if at or name != "stch":  # whose nadir is the first step; 1e-8 is under the logarithm of its FAMO
            expected = gradient_weights(total, losses)
            torch.testing.assert_close(ours.weights(step(losses.tolist())), expected, rtol=0, atol=1e-7)
        ours.observe(step(losses.tolist()))
        if name == "dwa":
            total.step()
        if name == "uw":
            optimizer.zero_grad()
            total(losses).backward()
            optimizer.step()


def test_learned_logits_are_adam() -> None:
    """Torch's, with its weight decay in the gradient."""
    values = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([values], lr=0.1, weight_decay=0.3)
    logits = Logits.zeros(3)
    for gradient in (vector(1.0, -2.0, 1e-3), vector(0.5, 3.0, 0.0), vector(-4.0, 0.1, 1e-9)):
        values.grad = gradient.clone()
        optimizer.step()
        logits = logits.stepped(gradient, 0.1, 0.3)
        torch.testing.assert_close(logits.value, values.detach(), rtol=1e-12, atol=1e-15)


def test_small_parts() -> None:
    logits = Logits.zeros(3).lowered(vector(1.0, 2.0, 6.0), 0.1)
    moved = logits.lowered(vector(1.0, NAN, 2.0), 0.1)
    assert moved.value[1] == logits.value[1]  # a task without a value keeps its logit
    assert moved.value[0] > logits.value[0]
    assert (part_of_run(0.1, 60), part_of_run(0.1, 4), part_of_run(0.3, 1000, most=200)) == (6, 1, 200)
    assert smoothed(vector(NAN, 4, 4), vector(2, NAN, 2), 0.5).tolist() == [2, 4, 3]
    assert log_loss_weights(vector(0, 0), vector(0, 0)).tolist() == [0.5, 0.5]
    assert log_loss_weights(vector(0, 0, 0), vector(NAN, 1, 3)).tolist() == pytest.approx([3 / 11, 6 / 11, 2 / 11])
