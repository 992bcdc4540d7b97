"""A confined method answers, remembers and draws bit for bit as one in this process does."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from bench.training.confined.proxy import Host
from bench.training.confined.source import source_of
from methods import GradientCombination, Method, RunInfo, SampleWeighting, StepWrapper, TaskSampling, Weighting
from methods._battery.inputs import STEPS, Step, layout_of
from methods._battery.trajectories import golden_cases
from methods._registry import MethodCard, cards, load

CASE = golden_cases()[1]
CONFINED = [card for card in cards().values() if "RunPlan" not in card.acts_on and not card.variant]
"""Plans are compared over whole runs (tests/bench/run/test_confinement.py)."""
every_method = pytest.mark.parametrize("card", CONFINED, ids=lambda card: card.name)


def pair(card: MethodCard) -> tuple[Method, Method]:
    """The method in a process of its own, and in this one."""
    source = source_of(card)
    assert source is not None
    kind = load(card.name)
    run = RunInfo(CASE.tasks, torch.tensor([100.0, 200.0, 300.0, 400.0]).double(), STEPS, 8, 30, 4)
    inside = kind(kind.Settings(), Generator().manual_seed(3)).start(run)
    host = Host(card, source, shared=max(step.gradients.nbytes for step in CASE.steps))
    return host.start(kind.Settings(), Generator().manual_seed(3), run), inside


class Slopes:
    """A method inside, and passes over losses that are quadratic around the parameters."""

    def __init__(self, gradients: Tensor) -> None:
        self.rows = gradients

    def inner(self, gradients: Tensor, twin: bool = False) -> Tensor:
        return gradients.sum(dim=0) if twin else gradients.mean(dim=0)

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        return torch.stack([row + offset(task) for task, row in enumerate(self.rows)])

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        moves = [offset(task) for task in range(len(self.rows))]
        return torch.stack(
            [(row @ move + move @ move / 2) for row, move in zip(self.rows, moves, strict=True)]
        ).double()


def wrapped(method: StepWrapper, step: Step) -> list[Tensor]:
    layout = layout_of(step.gradients.shape[1])
    if method.frozen is None:
        method.prepare(step.gradients[0], layout)
    passes = Slopes(step.gradients)
    shares = torch.full((len(step.gradients),), 1 / len(step.gradients), dtype=torch.float64)
    found = [method.smooth(shares, step.signals), method.combine(step.gradients, layout, passes.inner, passes)]
    return found if method.frozen is None else [*found, method.frozen]


def answers(method: Method, step: Step) -> list[Tensor]:
    found = wrapped(method, step) if isinstance(method, StepWrapper) else []
    if isinstance(method, TaskSampling):
        found.append(method.proportions())
    if isinstance(method, SampleWeighting):
        assert step.rollouts is not None
        found += [method.advantages(step.rollouts), method.token_weights(step.rollouts)]
    if isinstance(method, Weighting):
        found.append(method.combine_weights(step.signals))
    if isinstance(method, GradientCombination):
        found.append(method.combine(step.gradients, layout_of(step.gradients.shape[1]), step.signals))
    method.observe(step.signals)
    if "second_forward" in method.needs:
        method.updated(step.signals.losses * 0.9)
    return found


def bits(found: list[Tensor]) -> list[tuple[torch.dtype, list[int], bytes]]:
    return [(each.dtype, list(each.shape), each.contiguous().numpy().tobytes()) for each in found]


def test_all_methods_of_kinds_that_can_be_are_confined() -> None:
    assert len(CONFINED) >= 62
    assert all((source_of(card) is None) == bool(card.variant) for card in cards().values())


@every_method
def test_answers_are_equal_and_so_they_are_after_a_state_is_restored(card: MethodCard) -> None:
    apart, here = pair(card)
    assert (apart.name, apart.version) == (here.name, here.version)
    assert apart.needs - {"gramian", "gradients"} == here.needs - {"gramian", "gradients"}
    saved: list[dict[str, Any]] = []

    for step in CASE.steps[:5]:
        assert bits(answers(apart, step)) == bits(answers(here, step))
        if step is CASE.steps[2]:
            saved = [apart.state_dict(), here.state_dict()]

    again, _ = pair(card)
    for method, state in zip((again, here), saved, strict=True):
        method.load_state_dict(state)
    for step in CASE.steps[3:6]:
        assert bits(answers(again, step)) == bits(answers(here, step))


def test_it_computes_with_the_instructions_that_this_process_has(confine) -> None:
    """In a process that reads no file, torch cannot find out which there are, and rounds otherwise."""
    here = torch.backends.cpu.get_cpu_capability()
    method = confine(f"return torch.full((3,), float(torch.backends.cpu.get_cpu_capability() == {here!r})).double()")
    assert method.combine_weights(CASE.steps[0].signals).tolist() == [1, 1, 1]


def test_resetting_goes_back_to_the_start() -> None:
    apart, _ = pair(cards()["famo"])
    first = bits(answers(apart, CASE.steps[0]))
    answers(apart, CASE.steps[1])
    apart.reset()
    assert bits(answers(apart, CASE.steps[0])) == first
