"""The method in its confined process: what it is asked, and what it answers."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor

from bench.errors import FAULTS, RunFailed, UserError, line_of
from bench.training.checkpoint.tree import Tensors, Unsaveable, flatten, poured, rebuild
from bench.training.confined.calls import Calls, DistantStages, DistantStep, Exchange, crossing
from bench.training.confined.memory import Memory
from bench.training.confined.source import Texts
from bench.training.confined.wire import Message
from methods import SampleWeighting, StepWrapper


class Hosted:
    """The method, once it is loaded and started. exchange: says something to the run, and waits for what it says."""

    def __init__(self, memory: Memory | None, exchange: Exchange) -> None:
        self.memory = memory
        self.calls = Calls(exchange, self.answer)
        self.kind: Any = None
        self.method: Any = None
        self.file = ""
        self.last: Any = None
        """What the method was given last: it may be given the same again."""

    def answer(self, header: dict[str, Any], tensors: dict[str, Tensor]) -> Message:
        """The answer to a message."""
        given = self.last if header.get("same") else rebuild(header.get("given"), tensors)
        self.last = given

        try:
            return self._done(header, given)
        except RunFailed as failed:
            return {"failed": str(failed)}, {}
        except Unsaveable as kind:
            return {"unsaveable": str(kind)}, {}
        except FAULTS as error:
            line = line_of(error, Path(self.file))
            where = f"line {line}, " if line else ""
            return {"raised": f"{where}{type(error).__name__}: {error}"}, {}

    def _done(self, header: dict[str, Any], given: Any) -> Message:
        do = header["do"]
        if do in OWN:
            return OWN[do](self, *(given or ()))
        if do in SILENT:
            getattr(self.method, do)(given)
            return {}, {}
        return crossing(getattr(self.method, do)(*(() if given is None else (given,))))

    def load(self, module: str, class_name: str, file: str, texts: dict[str, str]) -> Message:
        """Execute the method's file, and say what its class does."""
        self.file = file
        sys.meta_path.insert(0, Texts(texts, file, module))
        self.kind = getattr(importlib.import_module(module), class_name)
        own = issubclass(self.kind, SampleWeighting) and self.kind.token_weights is not SampleWeighting.token_weights
        around = issubclass(self.kind, StepWrapper) and self.kind.combine is not StepWrapper.combine
        return {"token_weights": own, "combines": around}, {}

    def start(self, settings: dict[str, Any], chance: Tensor, run: Any) -> Message:
        """Make the method, and begin."""
        generator = Generator()
        generator.set_state(chance)
        self.method = self.kind(self.kind.Settings(**settings), generator).start(run)
        return {}, {}

    def combine(self, shape: list[int], dtype: torch.dtype, layout: Any, signals: Any) -> Message:
        """The method's direction, and whether it wrote to the task gradients."""
        gradients = self._gradients(shape, dtype)
        before = gradients._version
        header, tensors = crossing(self.method.combine(gradients, layout, signals))
        return {**header, "wrote": gradients._version != before}, tensors

    def around(self, shape: list[int], dtype: torch.dtype, layout: Any) -> Message:
        """A wrapper's direction; the method inside and the passes are asked of the run."""
        gradients = self._gradients(shape, dtype)
        step = DistantStep(self.calls, gradients)
        return crossing(self.method.combine(gradients, layout, step.inner, step))

    def smooth(self, weights: Tensor, signals: Any) -> Message:
        """What a wrapper makes of the method's weights."""
        return crossing(self.method.smooth(weights, signals))

    def prepare(self, parameters: Tensor, layout: Any) -> Message:
        """Tell a wrapper the parameters; those that it freezes, or why it cannot act on such a model."""
        try:
            self.method.prepare(parameters, layout)
        except UserError as refused:
            return {"refused": str(refused)}, {}
        return crossing(self.method.frozen)

    def execute(self, layout: Any, left: float) -> Message:
        """A plan's final parameters; its stages are asked of the run."""
        return crossing(self.method.execute(DistantStages(self.calls, layout, left)))

    def back(self, name: str, given: Any, left: float) -> Message:
        """What a function says that the method handed over."""
        return crossing(self.calls.back(name, given, left))

    def state(self) -> Message:
        """What the method remembers, as a checkpoint writes it. Unsaveable."""
        found = Tensors()
        tree = flatten((self.method.state_dict(), self.calls.memory()), found)
        return {"state": tree}, dict(found)

    def restore(self, state: dict[str, Any], memory: list[dict[str, Any]]) -> Message:
        """Remember that again."""
        self.method.load_state_dict(poured(self.method.state_dict(), state))
        self.calls.remember(memory)
        return {}, {}

    def _gradients(self, shape: list[int], dtype: torch.dtype) -> Tensor:
        assert self.memory is not None
        return self.memory.gradients(shape, dtype)


OWN: dict[str, Callable[..., Message]] = {
    each.__name__: each
    for each in (
        *(Hosted.load, Hosted.start, Hosted.state, Hosted.restore),
        *(Hosted.combine, Hosted.around, Hosted.smooth, Hosted.prepare, Hosted.execute, Hosted.back),
    )
}
"""What is done for the method; every other question is one of its own hooks."""
SILENT = frozenset({"observe", "updated"})
"""Hooks that answer nothing."""
