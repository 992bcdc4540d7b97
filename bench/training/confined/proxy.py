"""A method whose code runs in a confined process: to a run it is a method like any other."""

from collections.abc import Mapping
from typing import Any

from torch import Generator, Tensor

from bench.errors import RunFailed, UserError
from bench.training.answers import WROTE
from bench.training.confined.asking import LONGEST, Confined
from bench.training.confined.client import PATIENCE, Line
from bench.training.confined.served import ServedStages, ServedStep
from bench.training.confined.source import Source
from bench.training.confined.wire import NoMessage
from methods import (
    GradientCombination,
    Inner,
    Layout,
    Method,
    Passes,
    Rollouts,
    RunInfo,
    RunPlan,
    SampleWeighting,
    Signals,
    Stages,
    StepWrapper,
    TaskSampling,
    Weighting,
)
from methods._cards import MethodCard, broken
from methods._declared import needs_of
from methods._settings import Settings


class Host:
    """A confined process that has executed a method's file. UserError where that fails, Unconfined."""

    def __init__(self, card: MethodCard, source: Source, patience: float = PATIENCE, shared: int = 0) -> None:
        """patience: seconds that an answer may take; shared: bytes of the task gradients that it will read, if any."""
        self.card = card
        self.line = Line(source.modules, patience, shared)
        given = (source.module, source.class_name, source.file, source.texts)

        try:
            said, _ = self.line.ask("load", given)
        except (EOFError, TimeoutError, NoMessage) as error:
            raise broken(card.path, f"its import ends the process that it runs in ({type(error).__name__})") from None
        if wrong := said.get("raised", said.get("failed")):
            raise broken(card.path, str(wrong)[:LONGEST])

        self.weights_tokens = said.get("token_weights") is True
        """Whether the method has token weights of its own."""
        self._combines = said.get("combines") is True

    def start(self, settings: Settings, generator: Generator, run: RunInfo) -> Method:
        """The method, started. settings: with per-task entries in blind order."""
        hooks = [hook for hook, names in PLACES.items() if not names.isdisjoint(self.card.acts_on)]
        if self._combines:
            hooks = [_Around]
        said: Mapping[str, Any] = {
            "name": self.card.name,
            "version": self.card.version,
            "needs": needs_of(self.card.path),
            "__module__": __name__,
        }
        kind = type("Confined", tuple(hooks), dict(said))
        method: Method = kind(settings, generator, self.line)
        return method.start(run)


class _Sampling(Confined, TaskSampling):
    def proportions(self) -> Tensor:
        answer: Tensor = self.answer("proportions")
        return answer


class _Samples(Confined, SampleWeighting):
    def advantages(self, rollouts: Rollouts) -> Tensor:
        answer: Tensor = self.answer("advantages", rollouts)
        return answer

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        answer: Tensor = self.answer("token_weights", rollouts)
        return answer


class _Weights(Confined, Weighting):
    def combine_weights(self, signals: Signals) -> Tensor:
        answer: Tensor = self.answer("combine_weights", signals)
        return answer

    def solve(self, signals: Signals, heard: Tensor) -> Tensor:
        return self.combine_weights(signals)[heard]


class _Gradients(Confined, GradientCombination):
    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        said, tensors = self.ask("combine", (*self.shared(gradients), layout, signals))
        if said.get("wrote") is True:
            raise RunFailed(f"step {signals.step + 1}: method {self.name!r} {WROTE}.")
        with self.sense():
            answer: Tensor = self.tensor(said, tensors)
        return answer


class _Wrapper(Confined, StepWrapper):
    def prepare(self, parameters: Tensor, layout: Layout) -> None:
        """Before the first step, when a run that cannot be made is still the user's to mend, and no failure."""
        said, tensors = self.ask("prepare", (parameters, layout))
        if "refused" in said:
            raise UserError(str(said["refused"])[:LONGEST])
        with self.sense():
            self.frozen = None if said.get("type") == "NoneType" else self.tensor(said, tensors)

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        answer: Tensor = self.answer("smooth", (weights, signals))
        return answer


class _Around(_Wrapper):
    """A wrapper that does more than smooth weights."""

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        served = ServedStep(self.talk, gradients, inner, passes)
        answer: Tensor = self.talk("around", (*self.shared(gradients), layout), served)
        return answer


class _Plan(Confined, RunPlan):
    def execute(self, stages: Stages) -> Tensor:
        answer: Tensor = self.talk("execute", (stages.layout, stages.left), ServedStages(self.talk, stages))
        return answer


PLACES: dict[type[Confined], set[str]] = {
    _Sampling: {"TaskSampling"},
    _Samples: {"SampleWeighting"},
    _Weights: {"LossWeighting", "GramianWeighting"},
    _Gradients: {"GradientCombination"},
    _Wrapper: {"StepWrapper"},
    _Plan: {"RunPlan"},
}
"""What the run calls, and the hook classes that stand behind it."""
