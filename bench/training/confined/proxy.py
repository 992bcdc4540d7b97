"""A method whose code runs in a confined process: to a run it is a method like any other."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Generator, Tensor

from bench.errors import RunFailed
from bench.training.answers import WROTE
from bench.training.checkpoint.tree import Unsaveable
from bench.training.confined.client import PATIENCE, Line
from bench.training.confined.source import Source
from bench.training.confined.wire import Message, NoMessage, packed, received
from methods import (
    GradientCombination,
    Layout,
    Method,
    Rollouts,
    RunInfo,
    SampleWeighting,
    Signals,
    TaskSampling,
    Weighting,
)
from methods._cards import MethodCard, broken
from methods._declared import needs_of
from methods._settings import Settings

PLACES = {
    TaskSampling: {"TaskSampling"},
    SampleWeighting: {"SampleWeighting"},
    Weighting: {"LossWeighting", "GramianWeighting"},
    GradientCombination: {"GradientCombination"},
}
"""What the run calls, and the hook classes that stand behind it."""
STATE = "confined"
"""The one entry of a confined method's state: bytes that only its own process reads."""
NAME = 100
LONGEST = 2000
"""Most letters of the name of a type, and of what a process says of an error."""


class Host:
    """A confined process that has executed a method's file. UserError where that fails, Unconfined."""

    def __init__(self, card: MethodCard, source: Source, patience: float = PATIENCE, shared: int = 0) -> None:
        """patience: seconds that an answer may take; shared: bytes of the task gradients that it will read, if any."""
        self.card = card
        self.line = Line(source.modules, patience, shared)
        given = {
            "module": source.module,
            "class_name": source.class_name,
            "file": source.file,
            "texts": source.texts,
        }

        try:
            said, _ = self.line.ask("load", given)
        except (EOFError, TimeoutError, NoMessage) as error:
            raise broken(card.path, f"its import ends the process that it runs in ({type(error).__name__})") from None
        if wrong := said.get("raised", said.get("failed")):
            raise broken(card.path, str(wrong)[:LONGEST])

        self.weights_tokens = said.get("token_weights") is True
        """Whether the method has token weights of its own."""

    def start(self, settings: Settings, generator: Generator, run: RunInfo) -> Method:
        """The method, started. settings: with per-task entries in blind order."""
        hooks = [hook for hook, names in PLACES.items() if not names.isdisjoint(self.card.acts_on)]
        said: Mapping[str, Any] = {
            "name": self.card.name,
            "version": self.card.version,
            "needs": needs_of(self.card.path),
            "__module__": __name__,
        }
        kind = type("Confined", (_Confined, *hooks), dict(said))
        method: Method = kind(settings, generator, self.line)
        return method.start(run)


class _Confined(Method):
    """Every hook, asked of the process."""

    def __init__(self, settings: Settings, generator: Generator, line: Line) -> None:
        super().__init__(settings, generator)
        self.line = line

    def start(self, run: RunInfo) -> Any:
        given = {
            "settings": self.settings.model_dump(mode="json"),
            "chance": self.generator.get_state(),
            "run": run,
        }
        self._ask("start", given)
        return super().start(run)

    def proportions(self) -> Tensor:
        answer: Tensor = self._answer("proportions")
        return answer

    def advantages(self, rollouts: Rollouts) -> Tensor:
        answer: Tensor = self._answer("advantages", rollouts)
        return answer

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        answer: Tensor = self._answer("token_weights", rollouts)
        return answer

    def combine_weights(self, signals: Signals) -> Tensor:
        answer: Tensor = self._answer("combine_weights", signals)
        return answer

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        memory = self.line.memory
        assert memory is not None
        memory.tensor(gradients.shape, gradients.dtype).copy_(gradients)

        said, tensors = self._ask("combine", (list(gradients.shape), gradients.dtype, layout, signals))
        if said.get("wrote") is True:
            raise RunFailed(f"step {signals.step + 1}: method {self.name!r} {WROTE}.")
        with self._sense():
            answer: Tensor = self._tensor(said, tensors)
        return answer

    def solve(self, signals: Signals, heard: Tensor) -> Tensor:
        return self.combine_weights(signals)[heard]

    def observe(self, signals: Signals) -> None:
        self._ask("observe", signals, same=True)

    def updated(self, losses: Tensor) -> None:
        self._ask("updated", losses)

    def state_dict(self) -> dict[str, Any]:
        """Bytes, which are not looked into: what a stranger's process says is no data of this one. Unsaveable."""
        said, tensors = self._ask("state")
        with self._sense():
            if "unsaveable" in said:
                raise Unsaveable(str(said["unsaveable"])[:NAME])
            return {
                STATE: torch.frombuffer(bytearray(packed({"state": said.get("state")}, tensors)), dtype=torch.uint8)
            }

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Hand the bytes back to a process that runs the same code."""
        whole = memoryview(saved[STATE].numpy().tobytes())
        place = 0

        def read(count: int) -> bytearray:
            nonlocal place
            place += count
            return bytearray(whole[place - count : place])

        said, tensors = received(read)
        with self._sense():
            self._checked(self.line.exchange({"do": "restore", "given": said["state"]}, tensors))

    def _answer(self, do: str, given: Any = None) -> Any:
        """What the method answers: a tensor, or something of a type of the same name, which is refused as such."""
        said, tensors = self._ask(do, given, same=True)
        with self._sense():
            return self._tensor(said, tensors)

    def _tensor(self, said: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
        if "answer" not in tensors:
            return type(str(said["type"])[:NAME] or "nothing", (), {})()
        return tensors["answer"].requires_grad_(said.get("grad") is True)

    def _ask(self, do: str, given: Any = None, same: bool = False) -> Message:
        with self._sense():
            return self._checked(self.line.ask(do, given, same))

    def _checked(self, answer: Message) -> Message:
        """The answer, unless the method failed; then RunFailed."""
        said, _ = answer
        if "failed" in said:
            raise RunFailed(str(said["failed"])[:LONGEST])
        if "raised" in said:
            raise RunFailed(f"method {self.name!r} raised an error: {str(said['raised'])[:LONGEST]}.")
        return answer

    @contextmanager
    def _sense(self) -> Iterator[None]:
        """RunFailed for what no method that does its work can cause."""
        try:
            yield
        except EOFError:
            raise RunFailed(f"method {self.name!r} ended the process that it runs in.") from None
        except TimeoutError:
            raise RunFailed(f"method {self.name!r} gave no answer in {self.line.patience:g} seconds.") from None
        except (NoMessage, TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            raise RunFailed(f"method {self.name!r} sent what is no answer ({error}).") from None
