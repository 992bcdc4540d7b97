"""What a confined plan or wrapper asks of its run while it answers a question.

A call goes out over the socket, and until it returns the run may ask back: for the shares of a step, for an offset of
the parameters, for what there is to save. Each end waits for the other, so the two never speak at once.
"""

from collections.abc import Callable, Mapping
from operator import index
from typing import Any

import torch
from torch import Tensor

from bench.training.checkpoint.closures import Callback, put_back, variables
from bench.training.checkpoint.tree import rebuild
from bench.training.confined.wire import KINDS, Message, kind_of
from methods import Layout, Signals

NAME = 100
"""Most letters of the name of a type."""
Exchange = Callable[[Mapping[str, Any], Mapping[str, Tensor]], Message]
"""Sends a message and waits for one."""
Answer = Callable[[dict[str, Any], dict[str, Tensor]], Message]


class Calls:
    """The run, as the code of a method can ask it."""

    def __init__(self, exchange: Exchange, answer: Answer) -> None:
        self._exchange = exchange
        self._answer = answer
        self.asked: dict[str, Callback] = {}
        """Functions that the call in progress has handed over, by what the run knows them as."""
        self.left = 0.0
        """Full steps that are left of a plan's budget."""

    def __call__(
        self,
        name: str,
        said: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor] | None = None,
        asked: Mapping[str, Callback] | None = None,
    ) -> Any:
        """What the call returns. said: plain values; asked: functions that the run may ask meanwhile."""
        outer = self.asked
        self.asked = outer if asked is None else dict(asked)
        header, given = self._exchange({"call": name, **(said or {})}, tensors or {})
        while "returned" not in header:
            header, given = self._exchange(*self._answer(header, given))

        self.asked = outer
        self.left = header["left"]
        return rebuild(header["returned"], given)

    def back(self, name: str, given: Any, left: float) -> Any:
        """What a function says that was handed over."""
        self.left = left
        function = self.asked[name]
        assert function is not None
        return function(given)

    def memory(self) -> list[dict[str, Any]]:
        """What the functions remember."""
        return [variables(function) for function in self.asked.values()]

    def remember(self, memory: list[dict[str, Any]]) -> None:
        """Make them remember it."""
        for function, values in zip(self.asked.values(), memory, strict=True):
            put_back(function, values)


class DistantStages:
    """`methods._base.Stages`, asked of the run."""

    def __init__(self, calls: Calls, layout: Layout, left: float) -> None:
        self.layout = layout
        self._calls = calls
        calls.left = left

    @property
    def left(self) -> float:
        """Full steps of the suite that are left."""
        return self._calls.left

    def parameters(self) -> Tensor:
        """A copy of the model's trained parameters, [P]."""
        found: Tensor = self._calls("parameters")
        return found

    def load(self, parameters: Tensor) -> None:
        """Set the model's trained parameters, [P]."""
        self._calls("load", *crossing(parameters))

    def train(
        self,
        steps: int,
        shares: Callable[[int], Tensor],
        size: float = 1.0,
        after: Callable[[int], None] | None = None,
        observe: Callable[[Signals], None] | None = None,
    ) -> list[Signals]:
        """Train, and return the signals of the steps."""
        said = {"steps": index(steps), "size": float(size), "after": after is not None, "observe": observe is not None}
        asked = {"shares": shares, "after": after, "observe": observe}
        found: list[Signals] = self._calls("train", said, asked=asked)
        return found

    def distil(
        self, steps: int, teachers: Tensor, shares: Callable[[int], Tensor], size: float = 1.0, own: bool = True
    ) -> list[Signals]:
        """Train on what teachers, [K, P], say."""
        header, tensors = crossing(teachers)
        said = {**header, "steps": index(steps), "size": float(size), "own": bool(own)}
        asked = {"shares": shares, "after": None, "observe": None}
        found: list[Signals] = self._calls("distil", said, tensors, asked)
        return found

    def score(self, size: float) -> Tensor:
        """Mean reward, [K], of the model as it is."""
        found: Tensor = self._calls("score", {"size": float(size)})
        return found


class DistantStep:
    """The method inside a wrapper, and `methods._base.Passes` over the step's batch, asked of the run."""

    def __init__(self, calls: Calls, rows: Tensor) -> None:
        self._calls = calls
        self._rows = rows

    def inner(self, gradients: Tensor, twin: bool = False) -> Tensor:
        """The direction, [P], of the method inside; the step's own gradients are not sent back."""
        said, tensors = ({}, {}) if gradients is self._rows else crossing(gradients)
        found: Tensor = self._calls("inner", {**said, "own": gradients is self._rows, "twin": bool(twin)}, tensors)
        return found

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task gradients, [K, P], that of task k at parameters + offset(k)."""
        found: Tensor = self._calls("gradients", asked={"offset": offset})
        return found

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task losses, [K], that of task k at parameters + offset(k)."""
        found: Tensor = self._calls("losses", asked={"offset": offset})
        return found


def crossing(answer: Any) -> Message:
    """A method's answer: a tensor, or what it is instead, which the run refuses in its own words."""
    if not isinstance(answer, Tensor):
        return {"type": type(answer).__name__[:NAME]}, {}
    if kind_of(answer) not in KINDS or answer.layout is not torch.strided:
        return {"type": f"{answer.layout} {kind_of(answer)}"[:NAME]}, {}
    return {"grad": answer.requires_grad}, {"answer": answer}
