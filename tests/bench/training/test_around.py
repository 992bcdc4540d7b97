"""Wrappers in the step: extra passes on a quadratic whose gradients are known, and what they cost."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.training.around import Around, ExtraPasses
from bench.training.batches import Measured, MicroBatch, TaskBatch
from bench.training.step import BalancedStep
from methods import Inner, Layout, Method, Passes, RunInfo, Signals, StepWrapper
from methods.pcgrad import PCGrad
from methods.uniform import Uniform

CENTRES = torch.tensor([[4.0, 0.0, 1.0], [-1.0, 2.0, 1.0]])
"""Task k's loss is half the squared distance of theta to centre k; its gradient is theta - centre."""


class Bowl(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.theta = nn.Parameter(torch.tensor([1.0, 1.0, 1.0]))

    def loss(self, centres: Tensor) -> Tensor:
        return (self.theta - centres).square().sum(dim=1).mean() / 2


def batches() -> list[TaskBatch[Tensor]]:
    """Four sequences a task, in two halves of one and three, cut into micro-batches of two."""
    rows = [centre.repeat(4, 1) for centre in CENTRES]
    halves = [[half.split(2) for half in (row[:1], row[1:])] for row in rows]
    return [
        TaskBatch(task, tuple([MicroBatch(part, len(part) / 4) for part in half] for half in both), 1 / 4, 4, 20)
        for task, both in enumerate(halves)
    ]


def step_with(model: Bowl, method: Method, wrapper: StepWrapper) -> BalancedStep[Tensor]:
    info = RunInfo(2, torch.ones(2), 10)
    twin = type(method)(generator=torch.Generator().manual_seed(1)).start(info)
    around = Around(wrapper.start(info), method.start(info), twin)
    gradients = TaskGradients([model.theta], ["theta"], 2)
    wrapper.prepare(gradients.parameters_now(), gradients.layout)
    return BalancedStep(gradients, method, None, RunningLedger(), Probe(), around)


def take(model: Bowl, method: Method, wrapper: StepWrapper) -> BalancedStep[Tensor]:
    step, ones = step_with(model, method, wrapper), torch.ones(2, dtype=torch.float64)
    step(batches(), model.loss, Measured(ones, ones, ones, ones, 0 * ones, ones / 2))
    return step


class Elsewhere(StepWrapper):
    """The inner method on the gradients at another place, plus its twin on the change."""

    name, version = "elsewhere", 1
    offset: Callable[[int], Tensor] = staticmethod(lambda task: torch.tensor([0.5, 0.0, task + 1.0]))

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        self.losses = passes.losses(self.offset)
        self.moved = passes.gradients(self.offset)
        return inner(self.moved) + inner(self.moved - gradients, twin=True)


class Passive(StepWrapper):
    """Changes nothing."""

    name, version = "passive", 1


def test_extra_passes_give_losses_and_gradients_where_they_were_asked() -> None:
    model, wrapper = Bowl(), Elsewhere()
    take(model, Uniform(), wrapper)
    places = torch.tensor([[1.5, 1.0, 2.0], [1.5, 1.0, 3.0]])
    torch.testing.assert_close(wrapper.moved, places - CENTRES)
    torch.testing.assert_close(wrapper.losses, ((places - CENTRES).square().sum(dim=1) / 2).double())


def test_parameters_come_back_and_the_gradient_is_the_wrappers_direction() -> None:
    model, wrapper = Bowl(), Elsewhere()
    take(model, Uniform(), wrapper)
    assert model.theta.tolist() == [1.0, 1.0, 1.0]
    change = torch.tensor([[0.5, 0.0, 1.0], [0.5, 0.0, 2.0]])
    torch.testing.assert_close(model.theta.grad, (wrapper.moved + change).mean(dim=0))


def test_every_extra_pass_is_charged() -> None:
    """Eight sequences: once for the step, once forward for losses, once both ways for gradients."""
    step = take(Bowl(), Uniform(), Elsewhere())
    assert (step.ledger.forward_passes, step.ledger.backward_passes, step.ledger.trained_tokens) == (24, 16, 120)


def test_the_method_inside_sees_the_gramian_of_what_it_is_given() -> None:
    model, wrapper = Bowl(), Elsewhere()
    wrapper.offset = lambda task: torch.zeros(3)  # the gradients themselves, and a change of zero
    step = take(model, PCGrad(), wrapper)
    plain, rows = Bowl(), step.gradients.rows
    expected = take(plain, PCGrad(), Passive())
    assert (rows[0] @ rows[1]) < 0, "the tasks conflict"
    torch.testing.assert_close(model.theta.grad, plain.theta.grad)
    assert expected.ledger.forward_passes == 8


class Halved(StepWrapper):
    """Halves the weights."""

    name, version, needs_weights = "halved", 1, True

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        return weights / 2


@pytest.mark.parametrize("method", [Uniform, PCGrad])
def test_a_wrapper_of_weights_changes_the_recorded_weights(method: type[Method]) -> None:
    model, plain = Bowl(), Bowl()
    wrapped, bare = take(model, method(), Halved()), take(plain, method(), Passive())
    torch.testing.assert_close(model.theta.grad, plain.theta.grad / 2)
    halved = [[value / 2 for value in point] for point in bare.probe.curves([0, 1]).weights]
    assert wrapped.probe.curves([0, 1]).weights == [pytest.approx(point, rel=1e-3) for point in halved]


def test_a_task_without_prompts_has_no_loss_and_no_gradient() -> None:
    model, wrapper = Bowl(), Passive()
    step = step_with(model, Uniform(), wrapper)
    passes = ExtraPasses(step.gradients, batches()[1:], model.loss, step.ledger)
    assert passes.losses(lambda task: torch.zeros(3)).isnan().tolist() == [True, False]
    assert passes.gradients(lambda task: torch.zeros(3))[0].tolist() == [0, 0, 0]
