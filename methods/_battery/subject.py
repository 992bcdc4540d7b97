"""A method under test: how it is made, what the harness would ask of it, and what is wrong with an answer at sight."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic.fields import FieldInfo
from torch import Generator, Tensor

from bench.errors import FAULTS, UserError, line_of
from methods import (
    GradientCombination,
    Method,
    RunInfo,
    RunPlan,
    SampleWeighting,
    StepWrapper,
    TaskSampling,
    Weighting,
    _registry,
)
from methods._base import extra
from methods._battery.inputs import STEPS, Case, Step, layout_of
from methods._battery.toys import Quadratics, ToyInner, ToyStages, pretrained
from methods._registry import MethodCard

Answers = dict[str, Tensor]
"""What a method said in a step: proportions, advantages, token_weights, weights, direction or parameters."""
BUDGET = 24
"""Full steps of a plan."""
INSIDE = ("mean", "pcgrad")
"""What a wrapper is put around."""
SHOWN = 8


class Fault(Exception):
    """An answer that no input excuses: given what, what came back, and what is allowed."""

    def __init__(self, given: str, returned: str, allowed: str) -> None:
        super().__init__(f"given {given}, {returned}; {allowed}")
        self.finding = (given, returned, allowed)


@dataclass(frozen=True)
class Subject:
    """A method's card and class. inside: the method that a wrapper is put around."""

    card: MethodCard
    kind: type[Method]
    inside: str = ""

    @property
    def peer(self) -> bool:
        """Whether it is another library's implementation, run through an adapter."""
        return bool(self.card.variant)

    def make(
        self,
        tasks: int,
        seed: int = 0,
        order: Sequence[int] | None = None,
        width: int = 6,
        steps: int | None = None,
        **values: Any,
    ) -> Method:
        """A started method; per-task settings differ by task, and come in the given blind order.

        steps: of the run, more for a plan; values: settings; width: P, for a wrapper to prepare. UserError if a
        peer's library is not installed.
        """
        order = range(tasks) if order is None else order
        fields = self.kind.Settings.model_fields
        each = {key: rising(field, tasks) for key, field in fields.items() if extra(field, "per_task")}
        given = f"a run of {tasks} tasks" + "".join(f", {key}={value}" for key, value in values.items())

        try:
            names = [f"task_{k}" for k in range(tasks)]
            chosen = _registry.settings_of(self.kind, {**each, **values}, names)
            method = self.kind(_registry.in_blind_order(chosen, order), Generator().manual_seed(seed))

            sizes = torch.tensor([100 * (k + 1) for k in order])
            steps = steps or (BUDGET if issubclass(self.kind, RunPlan) else STEPS)
            method.start(RunInfo(tasks, sizes, steps, prompts=2 * tasks, reply_tokens=30))
            return self.prepare(method, width)
        except FAULTS as error:
            if self.peer and isinstance(error, UserError):
                raise  # what it needs is not installed
            raise Fault(given, raised(error, self.card.path), "it starts") from error

    def prepare(self, method: Method, width: int) -> Method:
        """Show a wrapper the parameters."""
        if isinstance(method, StepWrapper):
            method.prepare(pretrained(width), layout_of(width))
            if method.frozen is not None:
                sighted(f"{width} parameters", "`frozen`", method.frozen, (width,), torch.bool)
        return method

    def drive(self, method: Method, case: Case, first: int = 0, last: int | None = None) -> list[Answers]:
        """The answers of a method at every step of a run; a plan is carried out once, on the first step."""
        found = []
        for index in range(len(case.steps))[first : 1 if isinstance(method, RunPlan) else last]:
            step = case.steps[index]
            try:
                found.append(self.answers(method, step, case.at(index)))
                method.observe(step.signals)
            except FAULTS as error:
                raise Fault(case.at(index), raised(error, self.card.path), "an answer") from error
        return found

    def run(self, case: Case, **made: Any) -> list[Answers]:
        """The answers of a fresh method."""
        return self.drive(self.make(case.tasks, width=case.steps[0].gradients.shape[1], **made), case)

    def answers(self, method: Method, step: Step, given: str) -> Answers:
        """Everything the harness would ask of a method in a step. Fault if it is wrong at sight."""
        rows = step.gradients.float() if self.peer else step.gradients  # libraries work in float32
        tasks, width = rows.shape
        found: Answers = {}

        if isinstance(method, TaskSampling):
            found["proportions"] = sighted(given, "proportions", method.proportions(), (tasks,), low=0)
            total = found["proportions"].sum().item()
            if abs(total - 1) > 1e-9:
                raise Fault(given, f"proportions {shown(found['proportions'])} of sum {total:.12g}", "their sum is 1")

        if isinstance(method, SampleWeighting) and step.rollouts is not None:
            each = step.rollouts.task.shape
            given_dtype = step.rollouts.advantages.dtype
            found["advantages"] = sighted(given, "advantages", method.advantages(step.rollouts), each, given_dtype)
            found["token_weights"] = sighted(given, "token weights", method.token_weights(step.rollouts), each, low=0)

        if isinstance(method, Weighting):
            found["weights"] = sighted(given, "weights", method.combine_weights(step.signals), (tasks,), torch.float64)

        if isinstance(method, GradientCombination):
            answer = method.combine(rows, layout_of(width), step.signals)
            found["direction"] = sighted(given, "a direction", answer, (width,), rows.dtype)

        if isinstance(method, StepWrapper):
            inner = ToyInner(method, step, self.inside or INSIDE[0])
            answer = method.combine(rows, layout_of(width), inner, Quadratics(step))
            found["direction"] = sighted(given, "a direction", answer, (width,), rows.dtype)

        if isinstance(method, RunPlan):
            assert method.run is not None
            final = method.execute(ToyStages(step, method.run.steps))
            shape = (tasks, width) if getattr(final, "ndim", 1) == 2 else (width,)
            found["parameters"] = sighted(given, "parameters", final, shape)

        return found


def subjects_of(card: MethodCard) -> list[Subject]:
    """The method of a card; a wrapper once around each of `INSIDE`. UserError if its file cannot be loaded."""
    kind = _registry.class_of(card)
    inside = INSIDE if issubclass(kind, StepWrapper) else ("",)
    return [Subject(card, kind, name) for name in inside]


def rising(field: FieldInfo, tasks: int) -> list[float]:
    """Legal values of a per-task setting that differ by task: 1, 2, 3, ... if its bounds allow."""
    low, high = extra(field, "low") or 0.0, extra(field, "high")
    width = tasks if high is None else min(tasks, high - low)
    return [low + width * (k + 1) / tasks for k in range(tasks)]


def sighted(
    given: str,
    what: str,
    answer: object,
    shape: Sequence[int],
    dtype: torch.dtype | None = None,
    low: float | None = None,
) -> Tensor:
    """The answer, if it is a finite tensor of that shape and type, free of the autograd graph. Fault otherwise."""
    if not isinstance(answer, Tensor):
        raise Fault(given, f"{what} of type {type(answer).__name__}", "a tensor")

    if answer.shape != tuple(shape):
        raise Fault(given, f"{what} of shape {list(answer.shape)}", f"shape {list(shape)}")
    if dtype is not None and answer.dtype != dtype:
        raise Fault(given, f"{what} of type {answer.dtype}", f"{dtype}")
    if answer.requires_grad:
        raise Fault(given, f"{what} that require a gradient", "detached ones")

    if not answer.isfinite().all():
        raise Fault(given, f"{what} {shown(answer)}", "finite numbers")
    if low is not None and (answer < low).any():
        raise Fault(given, f"{what} {shown(answer)}", f"{low:g} or more")

    return answer


def shown(answer: Tensor) -> str:
    """The first numbers of an answer."""
    numbers = [f"{value:.6g}" for value in answer.detach().double().flatten()[:SHOWN].tolist()]
    return f"[{', '.join(numbers)}{', ...' if answer.numel() > SHOWN else ''}]"


def raised(error: BaseException, path: Path) -> str:
    """'raised X: why, in pcgrad.py line 12'."""
    line = line_of(error, path)
    why = str(error).partition("\n")[0]
    return f"it raised {type(error).__name__}: {why}" + (f" ({path.name}, line {line})" if line else "")
