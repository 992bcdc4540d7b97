"""Methods on whole gradients: values worked by hand, and the published algorithms on whole matrices in float64."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import GradientCombination, Layout, RunInfo, Signals
from methods._columns import CHUNK
from methods.db_mtl import DBMTL, DBMTLSettings
from methods.excessmtl import ExcessMTL, ExcessMTLSettings
from methods.graddrop import GradDrop, GradDropSettings
from methods.m_config import MConFIG, MConFIGSettings
from methods.mgs import MGS
from methods.moco import MoCo, MoCoSettings
from methods.pcgrad import PCGrad

NAN = math.nan
WIDTH = CHUNK  # of three gradients: several chunks, the last one not full
METHODS = (GradDrop, MGS, ExcessMTL, MoCo, DBMTL, MConFIG)
WITH_MEANS = {MoCo: "tracked", DBMTL: "mean", MConFIG: "momentum"}
Run = Callable[..., Tensor]
J_BASE = [[-4.0, 1.0, 1.0], [6.0, 1.0, 1.0]]
UP, DOWN = [[1.0], [1.0]], [[2.0], [0.5]]


@pytest.fixture
def run(signals_of: Callable[..., Signals]) -> Run:
    """run(method, history, sizes, gaps): the direction after the steps in `history`, [K, P] each.

    sizes: of the parameter tensors; gaps: [K] a step, NaN for a task without prompts.
    """

    def run(method: GradientCombination, history: Sequence[Tensor], sizes: Any = (), gaps: Any = ()) -> Tensor:
        if method.run is None:
            method.start(RunInfo(len(history[0]), torch.full((len(history[0]),), 100), len(history)))
        sizes = tuple(sizes or history[0].shape[1:])
        layout = Layout(tuple(map(str, sizes)), sizes, tuple((size,) for size in sizes))
        for index, gradients in enumerate(history):
            signals = signals_of(gradients.double(), index)
            if len(gaps):
                gap = torch.as_tensor(gaps[index]).double()
                signals = replace(signals, rewards=1 - gap, losses=0 * gap)
            direction = method.combine(gradients, layout, signals)
        return direction

    return run


def random_history(tasks: int = 3, width: int = WIDTH, steps: int = 3) -> list[Tensor]:
    """Conflicting gradients of norms from 1e-3 to 1, float64."""
    source = Generator().manual_seed(tasks)
    rows = torch.randn(steps, tasks, width, dtype=torch.float64, generator=source)
    rows -= 0.4 * rows.sum(dim=1, keepdim=True)
    return list(rows * torch.logspace(-3, 0, tasks, dtype=torch.float64)[:, None])


DIRECTIONS = [
    # no conflict at any coordinate, whatever is drawn: the mean
    (GradDrop(), [[[1.0, 0.0, -2.0], [3.0, 0.0, -4.0]]], [2.0, 0.0, -3.0]),
    (GradDrop(GradDropSettings(leak=1.0)), [J_BASE], [1.0, 1.0, 1.0]),  # everything leaks: the mean
    # one tensor: what PCGrad does, half of the published sum (.584795, 3.801170, 3.801170)
    (MGS(), [J_BASE], [0.2923977, 1.9005848, 1.9005848]),
    # the first step measures 1 for all tasks, so the weights stay equal
    (ExcessMTL(), [J_BASE], [1.0, 1.0, 1.0]),
    # H = (sqrt 5, sqrt 1.25), e = (4, .25) / H against (1, 1) at first; weights exp(e) over their sum: .827, .173
    (ExcessMTL(ExcessMTLSettings(step=1.0)), [UP, DOWN], [0.5 + 1.5 / (1 + math.exp((0.25 / 0.5 - 4) / 5**0.5))]),
    # Gramian diag(1, 4), scale 5/2, weights (1/2, 1/2) - .1 (.2, .8) = (.48, .42), on the simplex (.53, .47)
    (MoCo(), [[[1.0, 0.0], [0.0, 2.0]]], [0.53, 0.94]),
    # tracked from two steps of weight 1/4 and 1/2 (beta 1/2, no decay): (1/3 + 2/3 4) = 3 for the one task
    (MoCo(MoCoSettings(beta_sigma=0.0)), [[[1.0]], [[4.0]]], [3.0]),
    # half of the published sum of gradients scaled to the norm of the second: (.188135, 2.452966, 2.452966)
    (DBMTL(), [J_BASE], [3 - 2 * (38 / 18) ** 0.5, *2 * [0.5 + 0.5 * (38 / 18) ** 0.5]]),
    (DBMTL(DBMTLSettings(beta=0.0)), [UP, DOWN], [2.0]),  # no memory: the last step, equalised to norm 2
    # half of the published (.158809, 2.070607, 2.070607)
    (MConFIG(), [J_BASE], [0.158809 / 2, 2.070607 / 2, 2.070607 / 2]),
    # bias-corrected mean with decay 1/2: (1/4 1 + 1/2 4) / (3/4) = 3
    (MConFIG(MConFIGSettings(decay=0.5)), [[[1.0]], [[4.0]]], [3.0]),
    (MConFIG(), [[[2.0, 0.0], [-1.0, 0.0]]], [0.0, 0.0]),  # opposite momenta: nothing serves both
    # the silent third task leaves the problem; the scale stays that of three tasks
    (MGS(), [[*J_BASE, [0.0] * 3]], [0.2923977 * 2 / 3, 1.9005848 * 2 / 3, 1.9005848 * 2 / 3]),
    (MoCo(MoCoSettings(gamma=0.0)), [[*J_BASE, [0.0] * 3]], [2 / 3, 2 / 3, 2 / 3]),
    (DBMTL(), [[*UP, [0.0]]], [2 / 3]),
    (MConFIG(), [[*J_BASE, [0.0] * 3]], [0.158809 / 3, 2.070607 / 3, 2.070607 / 3]),
]


@pytest.mark.parametrize(("method", "history", "expected"), DIRECTIONS)
def test_directions(method: GradientCombination, history: Any, expected: list[float], run: Run) -> None:
    direction = run(method, [torch.tensor(step).double() for step in history])
    torch.testing.assert_close(direction, torch.tensor(expected).double(), rtol=0, atol=1e-6)  # published digits


LOG_MEANS = [
    ([[[1.0], [3.0]]], [[0.9, 0.1]], [3.0]),  # one step: a task's gap does not matter, the norm does
    # weights .09 / .9 and .1 / .5 of 2 and of 5: 4 for task 0, the norm; task 1 has 1 and gets it
    ([[[2.0], [1.0]], [[5.0], [1.0]]], [[0.9, 1.0], [0.5, 1.0]], [4.0]),
    # task 1 without prompts, and then without a gap: it keeps its average 3, and sits out the second time
    ([[[4.0], [3.0]], [[4.0], [0.0]]], [[1.0, 1.0], [1.0, NAN]], [4.0]),
    ([[[4.0], [3.0]], [[4.0], [0.0]]], [[1.0, 1.0], [1.0, 0.0]], [2.0]),
    # silent, but with a gap: its average shrinks and is scaled up again
    ([[[4.0], [3.0]], [[4.0], [0.0]]], [[1.0, 1.0], [1.0, 1.0]], [4.0]),
    ([[[4.0], [3.0]]], [[0.0, 0.0]], [0.0]),  # no task has a gap
]


@pytest.mark.parametrize(("history", "gaps", "expected"), LOG_MEANS)
def test_log_gradients_weigh_steps_by_the_gap(history: Any, gaps: Any, expected: list[float], run: Run) -> None:
    found = run(DBMTL(), [torch.tensor(step).double() for step in history], gaps=gaps)
    torch.testing.assert_close(found, torch.tensor(expected).double())


def published_graddrop(history: Sequence[Tensor], generator: Generator) -> Tensor:
    """Equations 1 and 2 with one U for all coordinates at once; sums."""
    for rows in history:
        purity = (1 + rows.sum(dim=0) / rows.abs().sum(dim=0)) / 2
        draw = torch.empty(rows.shape[1]).uniform_(generator=generator)
        mask = ((purity > draw) & (rows > 0)) | ((purity < draw) & (rows < 0))
    return (mask * rows).sum(dim=0)


def published_mgs(history: Sequence[Tensor], generator: Generator, sizes: Sequence[int]) -> Tensor:
    """Algorithm 1 of PCGrad on every tensor; sums."""
    for rows in history:
        parts = []
        for tensor in rows.split(list(sizes), dim=1):
            projected = tensor.clone()
            for i in range(len(rows)):
                for j in torch.randperm(len(rows), generator=generator).tolist():
                    if j != i and projected[i] @ tensor[j] < 0:
                        projected[i] -= projected[i] @ tensor[j] / tensor[j].square().sum() * tensor[j]
            parts.append(projected.sum(dim=0))
    return torch.cat(parts)


def published_excessmtl(history: Sequence[Tensor], step: float) -> Tensor:
    """Equations 6, 7 and 9 without the 1e-7; weights on the simplex."""
    weights = torch.ones(len(history[0]), dtype=torch.float64)
    for index, rows in enumerate(history):
        root = torch.stack(list(history[: index + 1])).square().sum(dim=0).sqrt()
        weights = weights * (step * (rows**2 / root).sum(dim=1) / history[0].abs().sum(dim=1)).exp()
    return weights / weights.sum() @ rows


def published_moco(history: Sequence[Tensor], beta: float, gamma: float) -> Tensor:
    """Algorithm 1 with rates that fall as t^-1/2, tracked gradients over their mass, and a step without unit."""
    tracked, mass = torch.zeros_like(history[0]), 0.0
    weights = torch.full((len(tracked),), 1 / len(tracked), dtype=torch.float64)
    for t, rows in enumerate(history, start=1):
        tracked, mass = tracked + beta / t**0.5 * (rows - tracked), mass + beta / t**0.5 * (1 - mass)
        inner = (tracked / mass) @ (tracked / mass).T
        weights = weights - gamma / t**0.5 * (inner @ weights) / inner.diagonal().mean()
        weights = weights + (1 - weights.sum()) / len(weights)
    assert (weights > 0).all()  # no weight met its bound, so that the projection was a shift
    return weights @ (tracked / mass)


def published_db_mtl(history: Sequence[Tensor], gaps: Tensor, beta: float) -> Tensor:
    """Mean of g / gap without bias, scaled to one norm; sums, with norm 1."""
    buffer = torch.zeros_like(history[0])
    for rows, gap in zip(history, gaps, strict=True):
        buffer = rows / gap[:, None] + beta * (buffer - rows / gap[:, None])
    return (buffer / buffer.norm(dim=1, keepdim=True)).sum(dim=0)


def published_m_config(history: Sequence[Tensor], beta: float) -> Tensor:
    """ConFIG of momenta divided by 1 - beta^t, by a pseudo-inverse of the whole matrix; projections are summed."""
    momenta = torch.zeros_like(history[0])
    for rows in history:
        momenta = beta * momenta + (1 - beta) * rows
    momenta = momenta / (1 - beta ** len(history))
    units = momenta / momenta.norm(dim=1, keepdim=True)
    toward = torch.linalg.pinv(units, rtol=1e-12).sum(dim=1)
    toward = toward / toward.norm()
    return (momenta @ toward).sum() * toward


@pytest.mark.parametrize("tasks", [1, 2, 3, 5])
def test_the_published_algorithms(tasks: int, run: Run) -> None:
    """In float64, over several steps, tensors and chunks; the published ones have the whole matrix at once."""
    history, sizes = random_history(tasks), (WIDTH // 2, 1, WIDTH - WIDTH // 2 - 1)
    gaps = 0.1 + 0.8 * torch.arange(3 * tasks, dtype=torch.float64).cos().square().view(3, tasks)
    summed = [
        (GradDrop(generator=Generator().manual_seed(4)), published_graddrop(history, Generator().manual_seed(4))),
        (MGS(generator=Generator().manual_seed(4)), published_mgs(history, Generator().manual_seed(4), sizes)),
        (ExcessMTL(ExcessMTLSettings(step=0.5)), tasks * published_excessmtl(history, 0.5)),
        (MoCo(MoCoSettings(gamma=0.05)), tasks * published_moco(history, 0.5, 0.05)),
        (MConFIG(), published_m_config(history, 0.9)),
    ]
    for method, expected in summed:
        found = run(method, history, sizes)
        torch.testing.assert_close(found, expected / tasks, rtol=1e-9, atol=1e-9 * expected.abs().max().item())
    found, expected = run(DBMTL(), history, gaps=gaps), published_db_mtl(history, gaps, 0.9)
    torch.testing.assert_close(found / found.norm(), expected / expected.norm(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 1e-5), (torch.bfloat16, 2**-7)])
def test_narrow_gradients(cls: type[GradientCombination], dtype: torch.dtype, tolerance: float, run: Run) -> None:
    """Are answered in their type, from sums and state that are wider."""
    history = [rows.to(dtype) for rows in random_history()]
    found, expected = run(cls(), history), run(cls(), [rows.double() for rows in history])
    assert found.dtype == dtype
    assert (found.double() - expected).norm() <= tolerance * expected.norm()


@pytest.mark.parametrize("cls", METHODS)
@pytest.mark.parametrize("scale", [2.0**-90, 2.0**-30, 2.0**30, 2.0**90])
def test_no_scale_is_out_of_range(cls: type[GradientCombination], scale: float, run: Run) -> None:
    """Even where squares of the float32 entries are."""
    history = [rows.float() for rows in random_history(width=40)]
    found = run(cls(), [scale * rows for rows in history])
    torch.testing.assert_close(found / scale, run(cls(), history), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("cls", WITH_MEANS)
def test_means_are_kept_without_prompts_and_shrink_in_silence(cls: Any, run: Run) -> None:
    """They are float32 for narrower gradients, and after long silence they are rounding: the task leaves."""
    rows = torch.tensor([[4.0, 0.0], [0.0, 3.0]], dtype=torch.bfloat16)
    quiet = rows * torch.tensor([[1], [0]])
    method, gap = cls(), torch.full((2,), 0.5)
    run(method, [rows, quiet], gaps=[gap, torch.tensor([0.5, NAN])])
    mean = getattr(method, WITH_MEANS[cls])
    assert mean.dtype == torch.float32
    torch.testing.assert_close(mean, rows.float(), rtol=1e-6, atol=0)
    run(method, [quiet], gaps=[gap])
    torch.testing.assert_close(mean[0], rows[0].float(), rtol=1e-6, atol=0)
    assert 0 < mean[1, 1] < 3
    assert run(method, [quiet] * 300, gaps=[gap] * 300).tolist() == [2.0, 0.0]


def test_a_task_without_prompts_keeps_its_excess_risk(run: Run) -> None:
    method = ExcessMTL(ExcessMTLSettings(step=1.0))
    rows = torch.tensor([[2.0], [2.0]]).double()
    run(method, [rows, rows * torch.tensor([[1], [0]])], gaps=[[0.5, 0.5], [0.5, NAN]])
    # the present task fell to 1 / sqrt 2, the other one still has its 1
    assert method.excess.tolist() == pytest.approx([0.5**0.5, 1.0])
    assert method.log_weights.exp().tolist() == pytest.approx(torch.tensor([0.5**0.5, 1.0]).softmax(0).tolist())


def test_one_tensor_is_pcgrad(signals_of: Callable[[Tensor], Signals], run: Run) -> None:
    (rows,) = random_history(tasks=5, width=12, steps=1)
    found = run(MGS(generator=Generator().manual_seed(1)), [rows])
    weights = PCGrad(generator=Generator().manual_seed(1)).combine_weights(signals_of(rows))
    torch.testing.assert_close(found, weights @ rows, rtol=1e-9, atol=1e-12)


def test_a_conflict_stays_in_its_tensor(run: Run) -> None:
    """And a tensor of zero gradients, as one half of a fresh LoRA pair has, stays at zero."""
    rows = torch.tensor([[1.0, 0.0, 2.0, 0.0, 0.0], [-1.0, 1.0, 4.0, 0.0, 0.0]]).double()
    assert run(MGS(), [rows], sizes=(2, 1, 2)).tolist() == pytest.approx([0.25, 0.75, 3.0, 0.0, 0.0])


def test_a_sign_is_kept_as_often_as_it_is_pure(run: Run) -> None:
    """Purity 3/4, within five standard deviations; all of a sign is kept, or nothing."""
    found = run(GradDrop(), [torch.tensor([[3.0], [-1.0]]).expand(2, 30_000)])
    assert set(found.tolist()) == {1.5, -0.5}
    assert (found > 0).double().mean().item() == pytest.approx(0.75, abs=5 * (0.1875 / 30_000) ** 0.5)


def test_constant_gradients_lead_to_the_least_norm(run: Run) -> None:
    found = run(MoCo(MoCoSettings(gamma=0.5, gamma_sigma=0.0)), 100 * [torch.tensor(J_BASE).double()])
    torch.testing.assert_close(found, torch.tensor([0.0, 1.0, 1.0]).double(), rtol=0, atol=1e-6)


def test_torchjd_agrees(run: Run) -> None:
    """On float32 gradients of similar norms; its updates are sums, and its first excess risk is not relative."""
    peer = pytest.importorskip("torchjd.aggregation", reason="torchjd is an optional peer")
    history = [rows.float() for rows in random_history(width=50)]
    history = [rows / rows.abs().sum(dim=1, keepdim=True) * 50 for rows in history]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(4)
        dropped = peer.GradDrop()(history[0])
    pairs = [
        (run(GradDrop(generator=Generator().manual_seed(4)), history[:1]), dropped / 3),
        (run(MConFIG(), history[:1]), peer.ConFIG()(history[0]) / 3),
    ]
    excess = peer.ExcessMTL(robust_step_size=0.5)
    pairs.append((run(ExcessMTL(ExcessMTLSettings(step=0.5)), history), [excess(rows) for rows in history][-1]))
    for found, expected in pairs:
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_nine_million_parameters(signals_of: Callable[[Tensor], Signals]) -> None:
    """Take a fraction of a second, and both tasks still have one cosine (a pseudo-inverse in float32 gives 0)."""
    rows = torch.ones(2, 9_000_000)
    rows[1, ::3] = -3.0
    method, signals = MConFIG().start(RunInfo(2, torch.ones(2), 1)), signals_of(torch.ones(2, 1).double())
    begun = time.process_time()
    direction = method.combine(rows, Layout(("all",), (9_000_000,), ((9_000_000,),)), signals)
    assert time.process_time() - begun < 1.5
    first, second = rows.double() @ direction.double() / rows.double().norm(dim=1)
    assert first.item() == pytest.approx(second.item(), rel=1e-4)
    assert first > 0
