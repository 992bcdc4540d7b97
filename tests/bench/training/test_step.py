"""The balanced step: its estimators, its combination, and what it refuses."""

from collections.abc import Sequence
from typing import Literal

import pytest
import torch
from torch import Tensor, nn

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.errors import RunFailed
from bench.training.batches import Measured, MicroBatch, TaskBatch
from bench.training.step import BalancedStep
from methods import GradientCombination, Gramian, GramianWeighting, Layout, Method, RunInfo, Signals
from methods.pcgrad import PCGrad
from methods.uniform import Uniform


class Point(nn.Module):
    """A model whose loss on a batch x [N, P] has the mean of x as its gradient."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.zeros(size))

    def loss(self, batch: Tensor) -> Tensor:
        return (batch @ self.theta).mean()


def step_for(
    model: Point,
    method: Method,
    tasks: int,
    max_norm: float | None = None,
    clip: Literal["absolute", "relative"] = "absolute",
) -> BalancedStep[Tensor]:
    method.start(RunInfo(tasks, torch.ones(tasks), 10))
    gradients = TaskGradients([model.theta], ["theta"], tasks)
    return BalancedStep(gradients, method, max_norm, RunningLedger(), Probe(), clip=clip)


def task_batch(task: int, x: Tensor, halves: int = 2, micro: int = 100) -> TaskBatch[Tensor]:
    parts = x.chunk(halves)
    first = len(parts[0]) / len(x) if len(parts) == 2 else None
    micros = tuple([MicroBatch(m, len(m) / len(x)) for m in part.split(micro)] for part in parts)
    return TaskBatch(task, micros, first, len(x), 3 * len(x))


def measured(tasks: int, shares: Sequence[float] | None = None) -> Measured:
    ones = torch.ones(tasks, dtype=torch.float64)
    given = torch.tensor(shares, dtype=torch.float64) if shares else ones / tasks
    return Measured(ones, ones, ones, ones, 0 * ones, given)


def test_half_estimator_is_unbiased_and_the_naive_norm_is_not():
    """Monte Carlo against a known gradient: |g|^2 = 0.3, noise of variance P/n on top."""
    chance = torch.Generator().manual_seed(0)
    size, samples, draws = 20, 8, 3000
    truth = torch.randn(size, generator=chance)
    truth *= (0.3 / truth.square().sum()).sqrt()
    model = Point(size)
    step = step_for(model, Uniform(), 1)
    unbiased, naive = [], []
    for _ in range(draws):
        x = truth + torch.randn(samples, size, generator=chance)
        step.accumulate([task_batch(0, x)], model.loss)
        unbiased.append(step.gradients.cross[0].item())
        naive.append(step.gradients.gramian()[0, 0].item())
    estimates = torch.tensor(unbiased, dtype=torch.float64)
    error = (estimates.std() / draws**0.5).item()
    assert abs(estimates.mean().item() - 0.3) < 4 * error
    assert torch.tensor(naive).mean().item() == pytest.approx(0.3 + size / samples, rel=0.05)


def test_gradient_accumulation_changes_nothing():
    """Micro-batches of one task add up to the same rows, cross products and loss."""
    x = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(1))
    model = Point(5)
    results = []
    for micro in (100, 3, 1):
        step = step_for(model, Uniform(), 3)
        losses = step.accumulate([task_batch(task, x[task], micro=micro) for task in range(3)], model.loss)
        results.append((step.gradients.rows.clone(), step.gradients.cross.clone(), losses))
    for rows, cross, losses in results[1:]:
        torch.testing.assert_close(rows, results[0][0])
        torch.testing.assert_close(cross, results[0][1])
        torch.testing.assert_close(losses, results[0][2])


def test_update_equals_the_methods_weights_times_the_explicit_gradients():
    x = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(2))
    model, method = Point(5), PCGrad(generator=torch.Generator().manual_seed(7))
    step = step_for(model, method, 3)
    step([task_batch(task, x[task]) for task in range(3)], model.loss, measured(3))
    rows = x.mean(dim=1).double()
    twin = PCGrad(generator=torch.Generator().manual_seed(7)).start(RunInfo(3, torch.ones(3), 10))
    inner = step.gradients.gramian()
    torch.testing.assert_close(inner, rows @ rows.T, rtol=1e-5, atol=1e-7)
    weights = twin.weights(Gramian(inner), None)
    torch.testing.assert_close(model.theta.grad.double(), weights @ rows, rtol=1e-5, atol=1e-7)


def test_a_plain_mean_over_prompts_weighs_tasks_by_their_share():
    """A sampling method acts through how many prompts a task has, not through a weight on top."""
    x = [torch.randn(n, 4, generator=torch.Generator().manual_seed(n)) for n in (2, 6)]
    model = Point(4)
    step = step_for(model, Uniform(), 2)
    step([task_batch(task, x[task]) for task in range(2)], model.loss, measured(2, [0.25, 0.75]))
    torch.testing.assert_close(model.theta.grad, torch.cat(x).mean(dim=0))


def test_a_task_without_prompts_is_silent_and_unmeasured():
    model = Point(4)
    step = step_for(model, Uniform(), 2)
    step([task_batch(1, torch.ones(4, 4))], model.loss, measured(2, [0.0, 1.0]))
    curves = step.probe.curves([0, 1])
    assert curves.squared_norm == [[None, 4.0]]
    assert curves.weights == [[0.0, 1.0]]


def test_one_prompt_group_gives_a_gradient_but_no_unbiased_norm():
    model = Point(4)
    step = step_for(model, Uniform(), 1)
    step([task_batch(0, torch.ones(4, 4), halves=1)], model.loss, measured(1))
    assert step.probe.curves([0]).squared_norm == [[None]]
    torch.testing.assert_close(model.theta.grad, torch.ones(4))


def test_the_harness_clips_and_records_the_norm_before():
    model = Point(4)
    step = step_for(model, Uniform(), 1, max_norm=0.5)
    step([task_batch(0, 3 * torch.ones(4, 4))], model.loss, measured(1))
    assert model.theta.grad.norm().item() == pytest.approx(0.5)
    curves = step.probe.curves([0])
    assert curves.update_norm == [6.0]
    assert curves.clipped == [1.0]


class Scaled(GramianWeighting):
    """Uniform times a factor."""

    name, version, factor = "scaled", 1, 1.0

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return self.factor * signals.shares


@pytest.mark.parametrize("factor", [1.0, 0.01, 100.0])
@pytest.mark.parametrize(("limit", "kept"), [(1.0, 0.2), (6.0, 1.0), (None, 1.0)])
def test_relative_to_the_plain_mean_every_method_is_damped_alike(factor: float, limit: float | None, kept: float):
    """Shares 1/4 and 3/4 of gradients (12, 0, 0, 0) and (0, 16/3, 0, 0): the plain mean is (3, 4, 0, 0), of norm 5."""
    first, second = torch.tensor([12.0, 0, 0, 0]), torch.tensor([0.0, 16 / 3, 0, 0])
    model, method = Point(4), Scaled()
    method.factor = factor
    step = step_for(model, method, 2, limit, "relative")
    step([task_batch(0, first.repeat(2, 1)), task_batch(1, second.repeat(6, 1))], model.loss, measured(2, [0.25, 0.75]))
    torch.testing.assert_close(model.theta.grad, factor * kept * torch.tensor([3.0, 4.0, 0, 0]))
    curves = step.probe.curves([0, 1])
    assert curves.plain_norm == [5.0]
    assert curves.update_norm == [pytest.approx(5 * factor)]
    assert curves.clipped == [float(kept < 1)]


def test_a_direction_of_its_own_is_clipped_by_the_plain_mean():
    """Of gradients (1, -5) and (3, 2), `largest` takes (3, -5); their mean (2, -1.5) has norm 2.5, twice the limit."""
    x = torch.tensor([[1.0, -5.0], [3.0, 2.0]])
    model = Point(2)
    step = step_for(model, Largest(), 2, 1.25, "relative")
    step([task_batch(task, x[task].repeat(4, 1)) for task in range(2)], model.loss, measured(2))
    torch.testing.assert_close(model.theta.grad, torch.tensor([1.5, -2.5]))


def test_the_plain_mean_is_clipped_alike_in_both_ways():
    """To the bit: `uniform` is the plain mean."""
    x = torch.randn(3, 8, 5, generator=torch.Generator().manual_seed(4))
    found = []
    for clip in ("absolute", "relative"):
        model = Point(5)
        step_for(model, Uniform(), 3, 0.1, clip)(
            [task_batch(task, x[task]) for task in range(3)], model.loss, measured(3)
        )
        found.append(model.theta.grad)
    assert torch.equal(*found)


def test_every_pass_is_charged():
    model = Point(4)
    step = step_for(model, Uniform(), 2)
    step([task_batch(task, torch.ones(6, 4), micro=2) for task in range(2)], model.loss, measured(2))
    spent = step.ledger.snapshot()
    assert (spent.steps, spent.forward_passes, spent.backward_passes, spent.trained_tokens) == (1, 12, 12, 36)


class Broken(GramianWeighting):
    name, version, answer = "broken", 1, torch.ones(1)

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return self.answer

    def combine_weights(self, signals: Signals) -> Tensor:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (torch.tensor([1.0, float("nan")]), "not finite"),
        (torch.tensor([float("inf"), 0.0]), "not finite"),
        (torch.ones(3), r"shape \[3\]; \[2\] is allowed"),
    ],
)
def test_a_methods_bad_answer_stops_the_run_with_step_method_and_answer(answer, said):
    model, method = Point(4), Broken()
    method.answer = answer
    step = step_for(model, method, 2)
    with pytest.raises(RunFailed, match=f"step 1: method 'broken' returned weights .*{said}"):
        step([task_batch(task, torch.ones(4, 4)) for task in range(2)], model.loss, measured(2))


def test_a_diverged_gradient_stops_the_run():
    model = Point(4)
    step = step_for(model, Uniform(), 1)
    with pytest.raises(RunFailed, match="diverged"):
        step([task_batch(0, torch.full((4, 4), float("nan")))], model.loss, measured(1))


class Largest(GradientCombination):
    """Coordinate-wise: of all tasks, the entry with the largest magnitude."""

    name, version = "largest", 1

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        return gradients.gather(0, gradients.abs().argmax(dim=0)[None])[0]


def test_a_method_on_whole_gradients_sets_the_direction():
    x = torch.tensor([[1.0, -5.0], [3.0, 2.0]])
    model = Point(2)
    step = step_for(model, Largest(), 2)
    step([task_batch(task, x[task].repeat(4, 1)) for task in range(2)], model.loss, measured(2))
    torch.testing.assert_close(model.theta.grad, torch.tensor([3.0, -5.0]))
    assert step.probe.curves([0, 1]).update_norm[0] == pytest.approx(34**0.5, rel=1e-3)
