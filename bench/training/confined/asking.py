"""The run's side of a confined method: questions go over the socket, and what comes back is looked at first."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import Generator, Tensor

from bench.errors import RunFailed
from bench.training.checkpoint.tree import Tensors, Unsaveable, flatten
from bench.training.confined.calls import NAME
from bench.training.confined.client import Line
from bench.training.confined.served import Served
from bench.training.confined.wire import Message, NoMessage, packed, received
from methods import Method, RunInfo, Signals
from methods._settings import Settings

STATE = "confined"
"""The one entry of a confined method's state: bytes that only its own process reads."""
LONGEST = 2000
"""Most letters of what a process says of an error."""


class Confined(Method):
    """What all kinds of confined methods have: a line to their process, and a state that it keeps."""

    def __init__(self, settings: Settings, generator: Generator, line: Line) -> None:
        super().__init__(settings, generator)
        self.line = line

    def start(self, run: RunInfo) -> Any:
        """`begin`, in the process, with this one's settings and generator."""
        self.ask("start", (self.settings.model_dump(mode="json"), self.generator.get_state(), run))
        return super().start(run)

    def observe(self, signals: Signals) -> None:
        self.ask("observe", signals, same=True)

    def updated(self, losses: Tensor) -> None:
        self.ask("updated", losses)

    def state_dict(self) -> dict[str, Any]:
        """Bytes, which are not looked into: what a stranger's process says is no data of this one. Unsaveable."""
        said, tensors = self.ask("state")
        with self.sense():
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
        with self.sense():
            self._checked(self.line.exchange({"do": "restore", "given": said["state"]}, tensors))

    def talk(self, do: str, given: Any, served: Served) -> Any:
        """What the process answers, once it has what it asks for meanwhile."""
        said, tensors = self.ask(do, given)
        while "call" in said:
            with self.sense():
                call = served.call(said, partial(self.tensor, said, tensors))
            returned = call()  # what fails here is the run's
            found = Tensors()
            header = {"returned": flatten(returned, found), "left": served.left}
            with self.sense():
                said, tensors = self._checked(self.line.exchange(header, found))

        with self.sense():
            return self.tensor(said, tensors)

    def answer(self, do: str, given: Any = None) -> Any:
        """What the method answers: a tensor, or something of a type of the same name, which is refused as such."""
        said, tensors = self.ask(do, given, same=True)
        with self.sense():
            return self.tensor(said, tensors)

    def tensor(self, said: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Any:
        """The tensor that a message brings, or something of the type that it names."""
        if "answer" not in tensors:
            return type(str(said["type"])[:NAME] or "nothing", (), {})()
        return tensors["answer"].requires_grad_(said.get("grad") is True)

    def shared(self, gradients: Tensor) -> tuple[list[int], torch.dtype]:
        """Write task gradients where the process sees them; their shape and kind."""
        memory = self.line.memory
        assert memory is not None
        memory.gradients(gradients.shape, gradients.dtype).copy_(gradients)
        return list(gradients.shape), gradients.dtype

    def ask(self, do: str, given: Any = None, same: bool = False) -> Message:
        """The answer to a question, unless the method failed."""
        with self.sense():
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
    def sense(self) -> Iterator[None]:
        """RunFailed for what no method that does its work can cause."""
        try:
            yield
        except EOFError:
            raise RunFailed(f"method {self.name!r} ended the process that it runs in.") from None
        except TimeoutError:
            raise RunFailed(f"method {self.name!r} gave no answer in {self.line.patience:g} seconds.") from None
        except (NoMessage, TypeError, ValueError, KeyError, AttributeError, RuntimeError) as error:
            raise RunFailed(f"method {self.name!r} sent what is no answer ({error}).") from None
