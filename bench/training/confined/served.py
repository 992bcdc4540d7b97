"""What the run does for a confined plan or wrapper: the other end of `calls.py`.

What a stranger's process says is plain values and tensors; each is looked at before anything is done with it.
"""

import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Protocol

from torch import Tensor

from methods import Inner, Passes, Signals, Stages

Talk = Callable[[str, Any, "Served"], Any]
"""Asks the process something, and serves it meanwhile."""


class Served(Protocol):
    """What a process may call."""

    @property
    def left(self) -> float:
        """Full steps that are left of a plan's budget."""

    def call(self, said: Mapping[str, Any], tensor: Callable[[], Tensor]) -> Callable[[], Any]:
        """What to do for a call. said: its name and plain values; tensor: the tensor that it sends. ValueError."""


class ServedStages:
    """The stages of a plan."""

    def __init__(self, talk: Talk, stages: Stages) -> None:
        self._talk = talk
        self._stages = stages

    @property
    def left(self) -> float:
        """Full steps that are left."""
        return self._stages.left

    def call(self, said: Mapping[str, Any], tensor: Callable[[], Tensor]) -> Callable[[], Any]:
        """What to do for a call. ValueError."""
        stages = self._stages
        name = said["call"]
        if name == "parameters":
            return stages.parameters
        if name == "load":
            return partial(stages.load, tensor())
        if name == "score":
            return partial(stages.score, number(said["size"]))

        steps, size = whole(said["steps"]), number(said["size"])
        if name == "train":
            after = partial(self._told, "after") if said["after"] is True else None
            observe = partial(self._told, "observe") if said["observe"] is True else None
            return partial(stages.train, steps, self._shares, size, after, observe)
        if name == "distil":
            return partial(stages.distil, steps, tensor(), self._shares, size, said["own"] is True)
        raise ValueError(f"no call {str(name)[:20]!r}")

    def _shares(self, step: int) -> Tensor:
        answer: Tensor = self._talk("back", ("shares", step, self.left), self)
        return answer

    def _told(self, name: str, given: int | Signals) -> None:
        self._talk("back", (name, given, self.left), self)


class ServedStep:
    """The method inside a wrapper, and extra passes over the step's batch. rows: the step's task gradients."""

    left = 0.0

    def __init__(self, talk: Talk, rows: Tensor, inner: Inner, passes: Passes) -> None:
        self._talk = talk
        self._rows = rows
        self._inner = inner
        self._passes = passes

    def call(self, said: Mapping[str, Any], tensor: Callable[[], Tensor]) -> Callable[[], Any]:
        """What to do for a call. ValueError."""
        name = said["call"]
        if name == "inner":
            gradients = self._rows if said["own"] is True else tensor()
            return partial(self._inner, gradients, said["twin"] is True)
        if name in ("gradients", "losses"):
            return partial(getattr(self._passes, name), self._offset)
        raise ValueError(f"no call {str(name)[:20]!r}")

    def _offset(self, task: int) -> Tensor:
        answer: Tensor = self._talk("back", ("offset", task, self.left), self)
        return answer


def whole(value: Any) -> int:
    """A whole number. ValueError for anything else."""
    if type(value) is not int or abs(value) > 2**31:
        raise ValueError("no whole number")
    return value


def number(value: Any) -> float:
    """A finite number. ValueError for anything else."""
    if type(value) not in (int, float) or not math.isfinite(value):
        raise ValueError("no number")
    return float(value)
