"""A plan of runs that goes on after it was interrupted: its code runs again, what it had finished is not trained again.

A plan is code, and where it stands cannot be saved. So what it asked for is saved, call by call, with the answers. A
later attempt executes the plan from its start, and answers from there, until it comes to what was never finished.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from bench.training.checkpoint.closures import Callback, put_back, variables
from bench.training.checkpoint.keeper import Checkpoints
from bench.training.checkpoint.tree import poured
from methods import RunPlan

T = TypeVar("T")


class Replay:
    """The finished calls of a plan, in their order: what was asked, the answer, what the plan remembered after it.

    A plan remembers what its class declares as `state`, its generator, and, of the functions that it hands over, the
    variables of `execute` that they use: plain values and tensors. Everything else must follow from the answers.
    """

    def __init__(self, plan: RunPlan, checkpoints: Checkpoints, caught_up: Callable[[], None]) -> None:
        """caught_up: called when the last answer was given, and no stage was in progress."""
        self.plan = plan
        self.checkpoints = checkpoints
        self._caught_up = caught_up
        self._calls: list[tuple[str, Any, Any]] = checkpoints.take("calls") or []
        self._place = 0
        checkpoints.keep("calls", lambda: self._calls)

    def answer(self, asked: str, live: Callable[[], T], callbacks: Sequence[Callback] = ()) -> T:
        """What `live` returns, or returned in an earlier attempt."""
        if self._place == len(self._calls):
            result = live()
            if self.checkpoints.saving:
                self._calls.append((asked, result, self.memory(callbacks)))
                self._place += 1
                self.checkpoints.offer()
            return result

        found, result, memory = self._calls[self._place]
        assert found == asked, f"plan {self.plan.name!r} asks for {asked} where it asked for {found} before"
        self.remember(callbacks, memory)
        self._place += 1

        # a stage that was in progress restores the model itself
        if self._place == len(self._calls) and not self.checkpoints.waits("stage"):
            self._caught_up()
        return result

    def memory(self, callbacks: Sequence[Callback]) -> tuple[Any, Any]:
        """What the plan remembers now."""
        return self.plan.state_dict(), [variables(callback) for callback in callbacks]

    def remember(self, callbacks: Sequence[Callback], memory: tuple[Any, Any]) -> None:
        """Make the plan remember what it did then."""
        state, held = memory
        self.plan.load_state_dict(poured(self.plan.state_dict(), state))
        for callback, values in zip(callbacks, held, strict=True):
            put_back(callback, values)
