"""Golden values of the sampling methods, worked out by hand or published, and what their estimates must obey."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Gramian, RunInfo, Signals, TaskSampling
from methods._estimates import ExponentialMean, GradientMoments, at_least
from methods.balanced_pike import BalancedPiKE, BalancedPiKESettings
from methods.dump import DUMP, DUMPSettings
from methods.mt_grpo_sampler import MTGRPOSampler, MTGRPOSamplerSettings
from methods.pike import PiKE, PiKESettings
from methods.proportional import Proportional
from methods.sec import SEC, SECSettings
from methods.temperature import Temperature, TemperatureSettings

NAN = math.nan
MakeSignals = Callable[..., Signals]
Step = dict[str, Sequence[float]]


def vector(values: Sequence[float]) -> Tensor:
    return torch.tensor(values, dtype=torch.float64)


def told(signals_of: MakeSignals, tasks: int, **given: Sequence[float]) -> Signals:
    """Signals with these [K] values; `measured` and `unbiased` are the diagonals of the Gramians."""
    signals = signals_of(torch.eye(tasks, dtype=torch.float64))
    values: dict[str, Any] = {key: vector(row) for key, row in given.items()}
    if "measured" in values:
        values["cross_gramian"] = torch.diag(values.pop("unbiased"))
        return replace(signals, gramian=Gramian(torch.diag(values.pop("measured"))), **values)
    return replace(signals, **values)


def after(method: TaskSampling, signals_of: MakeSignals, steps: Sequence[Step], prompts: int = 12) -> Tensor:
    """The shares of a method once it has seen these steps."""
    tasks = len(next(iter(steps[0].values())))
    method.start(RunInfo(tasks, torch.full((tasks,), 100), 10, prompts=prompts))
    for step in steps:
        method.observe(told(signals_of, tasks, **step))
    return method.proportions()


def assert_shares(found: Tensor, expected: Sequence[float], tolerance: float = 1e-12) -> None:
    assert found.sum().item() == pytest.approx(1, abs=1e-12)
    torch.testing.assert_close(found, vector(expected), rtol=0, atol=tolerance)


SIZES = [
    # 1, 3 and 4 rows of 8
    (Proportional(), [1, 3, 4], [1 / 8, 3 / 8, 1 / 2]),
    # roots 1, 2 and 5
    (Temperature(TemperatureSettings(alpha=0.5)), [1, 4, 25], [1 / 8, 2 / 8, 5 / 8]),
    # the published 0.3: 1024^0.3 = 8
    (Temperature(), [1, 1024], [1 / 9, 8 / 9]),
    # 1 is proportional, 0 is uniform
    (Temperature(TemperatureSettings(alpha=1.0)), [1, 3, 4], [1 / 8, 3 / 8, 1 / 2]),
    (Temperature(TemperatureSettings(alpha=0.0)), [1, 3, 4], [1 / 3, 1 / 3, 1 / 3]),
]


@pytest.mark.parametrize(("method", "sizes", "expected"), SIZES)
def test_shares_by_size(method: TaskSampling, sizes: list[int], expected: list[float]) -> None:
    method.start(RunInfo(len(sizes), torch.tensor(sizes), 10))
    assert_shares(method.proportions(), expected)


SEC_ROWS = [
    # published rule from Q = 0: Q = (.4, .2, .05), softmax at temperature .2
    ({}, [(0.8, 0.4, 0.1)], [0.648654, 0.238627, 0.112719]),
    # Q = (.4, .2), then half of the first is forgotten and the absent second keeps its value: (.2, .2)
    ({}, [(0.8, 0.4), (0.0, NAN)], [0.5, 0.5]),
    # rate 1 remembers only the newest: logits 0 and ln 3
    ({"rate": 1.0, "temperature": 1.0}, [(0.7, 0.2), (0.0, math.log(3))], [0.25, 0.75]),
]


@pytest.mark.parametrize(("values", "gains", "expected"), SEC_ROWS)
def test_sec(
    values: dict[str, float], gains: list[Sequence[float]], expected: list[float], signals_of: MakeSignals
) -> None:
    steps: list[Step] = [{"mean_abs_advantage": row} for row in gains]
    assert_shares(after(SEC(SECSettings(**values)), signals_of, steps), expected, 1e-6)


def test_dump_has_its_published_value(signals_of: MakeSignals) -> None:
    """10, 50 and 40 of 100 prompts: bounds 1.716031, .825423 and .574476, softmax at temperature .1."""
    step: Step = {"mean_abs_advantage": (0.8, 0.4, 0.1), "shares": (0.1, 0.5, 0.4)}
    assert_shares(after(DUMP(), signals_of, [step], prompts=100), [0.999853, 0.000136, 0.000011], 1e-6)


def test_dump_forgets_what_left_the_window(signals_of: MakeSignals) -> None:
    """Of 3 prompts at .9 and then 3 at .1, a window of 4 keeps one and three: mean .3, as the other task."""
    method = DUMP(DUMPSettings(window=4))
    steps: list[Step] = [{"mean_abs_advantage": (gain, 0.3), "shares": (0.5, 0.5)} for gain in (0.9, 0.1)]
    assert_shares(after(method, signals_of, steps, prompts=6), [0.5, 0.5])
    # a third step pushes the first out altogether
    assert_shares(after(method, signals_of, [*steps, steps[1]], prompts=6), softmax(0.1 / 0.1, 0.3 / 0.1))
    assert len(method.counts) == 2


def test_dump_returns_to_a_task_it_left(signals_of: MakeSignals) -> None:
    """4 prompts against 8 + 4: bonuses sqrt(2 ln 17 / 5) and sqrt(2 ln 17 / 13); the mean of the first stays .4."""
    steps: list[Step] = [
        {"mean_abs_advantage": (0.4, 0.6), "shares": (1 / 3, 2 / 3)},
        {"mean_abs_advantage": (NAN, 0.6), "shares": (0.0, 1 / 3)},
    ]
    logarithm = 2 * math.log(17)
    bounds = (0.4 + math.sqrt(logarithm / 5), 0.6 + math.sqrt(logarithm / 13))
    found = after(DUMP(DUMPSettings(temperature=1.0)), signals_of, steps)
    assert_shares(found, softmax(*bounds))
    assert found[0] > found[1]


def softmax(*logits: float) -> list[float]:
    powers = [math.exp(logit) for logit in logits]
    return [power / sum(powers) for power in powers]


SILENT = [
    # published: raised 5 (10, capped), 2 and 1 times
    ({}, [(0.9, 0.5, 0.0)], [0.625, 0.25, 0.125]),
    # nothing but silence is capped too
    ({}, [(1.0, 0.0)], [5 / 6, 1 / 6]),
    # mean with decay 1/2 of .5 and then 0: (1/4 1/2) / (3/4) = 1/6, raised 6/5 times
    ({"decay": 0.5}, [(0.5, 0.0), (0.0, 0.0)], [6 / 11, 5 / 11]),
    # a step without the task is left out of its mean
    ({"decay": 0.5}, [(0.5, 0.0), (NAN, 0.0)], [2 / 3, 1 / 3]),
    # never seen: not raised
    ({}, [(NAN, 0.5)], [1 / 3, 2 / 3]),
]


@pytest.mark.parametrize(("values", "silent", "expected"), SILENT)
def test_mt_grpo_sampler(
    values: dict[str, float], silent: list[Sequence[float]], expected: list[float], signals_of: MakeSignals
) -> None:
    steps: list[Step] = [{"silent": row} for row in silent]
    assert_shares(after(MTGRPOSampler(MTGRPOSamplerSettings(**values)), signals_of, steps), expected)


def test_mt_grpo_sampler_expects_equally_many_groups_with_advantage(signals_of: MakeSignals) -> None:
    silent = (0.1, 0.4, 0.7)
    shares = after(MTGRPOSampler(), signals_of, [{"silent": silent}])
    heard = shares * (1 - vector(silent))
    torch.testing.assert_close(heard, heard.mean().expand(3))


HALF = (0.5, 0.5)
MOVES = [
    # 6 groups each: variances 6 (4 - 2) and 6 (2 - 1); gains 2 - 12/24 and 1 - 6/24 over a mean norm of 3
    ({}, [((4, 2), (2, 1), HALF)], softmax(1.5 / 3, 0.75 / 3)),
    # norms alone, and variances alone
    ({"zeta_2": 0.0}, [((4, 2), (2, 1), HALF)], softmax(2 / 3, 1 / 3)),
    ({"zeta_1": 0.0}, [((4, 2), (2, 1), HALF)], softmax(-0.5 / 3, -0.25 / 3)),
    # 9 groups against 3: variances 9 (4 - 2) and 3 (2 - 1)
    ({"zeta_1": 0.0}, [((4, 2), (2, 1), (0.75, 0.25))], softmax(-18 / 24 / 3, -3 / 24 / 3)),
    # a variance is not negative, though its estimate may be; an unbiased norm counts as it is
    ({}, [((4, 2), (5, -1), HALF)], softmax(5 / 3, (-1 - 18 / 24) / 3)),
    # two moves; with decay 0 each has the norms of its own step
    ({"zeta_2": 0.0}, [((4, 2), (2, 1), HALF), ((1, 1), (0, 1), HALF)], softmax(2 / 3, 1 / 3 + 1)),
    # mean with decay 1/2 of 1 and then 4: (1/4 1 + 1/2 4) / (3/4) = 3, against 1; moved once, after both
    ({"zeta_2": 0.0, "decay": 0.5, "interval": 2}, [((1, 1), (1, 1), HALF), ((4, 1), (4, 1), HALF)], softmax(1.5, 0.5)),
    # not yet
    ({"interval": 2}, [((4, 2), (2, 1), HALF)], HALF),
    # a task without an estimate: nobody moves; once it has one, a step without it changes nothing of it
    ({}, [((4, 2), (2, NAN), HALF)], HALF),
    ({"zeta_2": 0.0, "interval": 2}, [((4, 2), (2, 1), HALF), ((4, 9), (2, NAN), HALF)], softmax(2 / 3, 1 / 3)),
    # all silent
    ({}, [((0, 0), (0, 0), HALF)], HALF),
    # a quarter of an equal share is left to the loser
    ({"zeta_1": 100.0, "floor": 0.25}, [((4, 1), (4, 1), HALF)], (0.875, 0.125)),
]
"""Settings, steps as (measured norms, unbiased norms, shares of the 12 prompts), and shares after them."""


@pytest.mark.parametrize(("values", "steps", "expected"), MOVES)
def test_pike(
    values: dict[str, float],
    steps: list[tuple[Sequence[float], ...]],
    expected: Sequence[float],
    signals_of: MakeSignals,
) -> None:
    settings = PiKESettings(**{"zeta_1": 1.0, "zeta_2": 1.0, "interval": 1, "decay": 0.0, "floor": 0.0, **values})
    given: list[Step] = [dict(zip(("measured", "unbiased", "shares"), step, strict=True)) for step in steps]
    assert_shares(after(PiKE(settings), signals_of, given), expected)


def test_pike_is_the_published_update(signals_of: MakeSignals) -> None:
    """Algorithm 1 in its own form, w <- w exp(...) and w / |w|, on true norms and variances, over ten moves."""
    source = Generator().manual_seed(1)
    weights = torch.full((4,), 0.25, dtype=torch.float64)
    method = PiKE(PiKESettings(interval=1, decay=0.0, floor=0.0))
    method.start(RunInfo(4, torch.full((4,), 100), 10, prompts=24))
    for _ in range(10):
        norm, variance = torch.randn(2, 4, dtype=torch.float64, generator=source).square()
        measured = norm + variance / (24 * weights)
        gain = norm - 1 / (2 * 24) * variance
        method.observe(told(signals_of, 4, measured=measured.tolist(), unbiased=norm.tolist(), shares=weights.tolist()))
        weights = weights * (gain / measured.mean()).exp()
        weights = weights / weights.sum()
        assert_shares(method.proportions(), weights.tolist())


def test_balanced_pike_without_tilt_is_pike(signals_of: MakeSignals) -> None:
    steps: list[Step] = [
        {"measured": (4 + step, 2, 1), "unbiased": (2, 1, 0.5 * step), "rewards": (0.1, 0.5, 0.9)} for step in range(9)
    ]
    balanced = BalancedPiKE(BalancedPiKESettings(tau=0.0, interval=2))
    assert_shares(after(balanced, signals_of, steps), after(PiKE(PiKESettings(interval=2)), signals_of, steps).tolist())
    signals = told(signals_of, 3, shares=(0.2, 0.3, 0.5))
    assert balanced.weights(signals).tolist() == [0.2, 0.3, 0.5]


def test_balanced_pike_tilts_losses_and_gradients(signals_of: MakeSignals) -> None:
    """Gaps ln 2 apart: y = (2/3, 4/3). Norms 1 of 2 measured become y^2 and 2 y^2, of mean 20/9: gains .2 and .8."""
    method = BalancedPiKE(BalancedPiKESettings(tau=1.0, zeta_1=1.0, zeta_2=0.0, interval=1, floor=0.0))
    step: Step = {"measured": (2, 2), "unbiased": (1, 1), "rewards": (0.9, 0.9 - math.log(2)), "shares": HALF}
    assert_shares(after(method, signals_of, [step]), softmax(0.2, 0.8))
    torch.testing.assert_close(method.weights(told(signals_of, 2, shares=HALF)), vector((1 / 3, 2 / 3)))


def test_balanced_pike_weighs_a_step_without_a_task(signals_of: MakeSignals) -> None:
    """Before the first move and after it."""
    method = BalancedPiKE(BalancedPiKESettings(interval=1))
    gone: Step = {"rewards": (NAN, 0.5), "losses": (NAN, 0.0), "shares": (0.0, 1.0)}
    absent: Step = {"measured": (0, 1), "unbiased": (NAN, 1), **gone}
    present: Step = {"measured": (1, 1), "unbiased": (1, 1), "rewards": (0.5, 0.5), "shares": HALF}
    for steps in ([absent], [present, absent]):
        after(method, signals_of, steps)
        assert method.weights(told(signals_of, 2, **absent)).tolist() == [0.0, 1.0]


def test_variance_and_norm_are_unbiased(signals_of: MakeSignals) -> None:
    """Six groups around a mean of squared norm 4, each with total variance 8 * 2^2: over 1,000 draws."""
    draws, width = 1000, 8
    mean = torch.full((width,), math.sqrt(4 / width), dtype=torch.float64)
    noise = torch.randn(draws, 6, width, dtype=torch.float64, generator=Generator().manual_seed(0))
    groups = mean + 2 * noise
    halves = groups.view(draws, 2, 3, width).mean(dim=2)
    signals = told(
        signals_of,
        draws,
        measured=groups.mean(dim=1).square().sum(dim=1).tolist(),
        unbiased=halves.prod(dim=1).sum(dim=1).tolist(),
        shares=[1 / draws] * draws,
    )
    moments = GradientMoments.of(draws).add(signals, 6 * draws, 0.9)
    for estimate, truth in ((moments.signal, 4), (moments.noise, 32), (moments.measured, 4 + 32 / 6)):
        error = estimate.value.std() / math.sqrt(draws)
        assert abs(estimate.value.mean() - truth) < 4 * error


def test_a_mean_starts_without_bias_and_skips_what_is_missing() -> None:
    mean = ExponentialMean.of(3).add(vector((2, NAN, NAN)), 0.9)
    mean = mean.add(vector((2, 5, NAN)), 0.9).add(vector((NAN, NAN, NAN)), 0.9)
    torch.testing.assert_close(mean.value, vector((2, 5, NAN)), equal_nan=True)


FLOORS = [
    # the third is raised, the others give in proportion
    ([0.7, 0.2, 0.1], 0.15, [0.7 * 0.85 / 0.9, 0.2 * 0.85 / 0.9, 0.15]),
    # giving brings the second under the floor too
    ([0.88, 0.101, 0.019], 0.1, [0.8, 0.1, 0.1]),
    # nothing to do
    ([0.5, 0.5], 0.4, [0.5, 0.5]),
    # shares that are gone, without and with a floor
    ([1.0, 0.0, 0.0], 0.0, [1.0, 0.0, 0.0]),
    ([1.0, 0.0, 0.0], 0.2, [0.6, 0.2, 0.2]),
    # nothing else is possible
    ([0.9, 0.1, 0.0], 1 / 3, [1 / 3, 1 / 3, 1 / 3]),
]


@pytest.mark.parametrize(("shares", "floor", "expected"), FLOORS)
def test_floors(shares: list[float], floor: float, expected: list[float]) -> None:
    assert_shares(at_least(vector(shares), floor), expected)


def test_floored_shares_are_the_nearest() -> None:
    """Of least relative entropy: no mixture with another admissible point is nearer."""
    source = Generator().manual_seed(2)
    for _ in range(50):
        shares, direction = (2 * torch.randn(2, 5, dtype=torch.float64, generator=source)).softmax(dim=1)
        found = at_least(shares, 0.1)
        near = 0.99 * found + 0.01 * (0.1 + 0.5 * direction)
        distance, further = ((point * (point / shares).log()).sum() for point in (found, near))
        assert found.min() >= 0.1
        assert distance <= further + 1e-12
