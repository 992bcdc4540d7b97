"""After every step: show it, and stop training when a counter of the budget is used up."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from transformers import TrainerCallback

from bench.engine.ledger import RunningLedger
from bench.engine.world import World
from bench.records.schema import Budget

Show = Callable[[int, Sequence[float]], None]
"""Called with the step and the mean reward of each task, in blind order."""


class StepCallback(TrainerCallback):  # type: ignore[misc] # transformers publishes no types
    """The trainer's callback.

    last: ledger steps after which nothing more is asked of the run, or None; after: called with 0, 1, ...; done: steps
    of the stage that an earlier attempt at the run has trained.
    """

    def __init__(
        self,
        budget: Budget,
        ledger: RunningLedger,
        last: int | None,
        show: Show,
        after: Callable[[int], None] | None = None,
        done: int = 0,
    ) -> None:
        self.budget = budget
        self.ledger = ledger
        self.last = last
        self.show = show
        self.after = after
        self.done = done

        self.rewards: Sequence[float] = ()
        self.reason = ""
        self.resume: Callable[[], None] | None = None
        """Called once, when everything is at hand and nothing is drawn yet."""
        self.stepped: Callable[[], None] = lambda: None
        """Called after every step, before anything else."""
        self.look_back: Callable[[], None] = lambda: None
        """Called after every step, when `after` is done."""
        self.save: Callable[[], None] | None = None
        """Called after every step but the last; the stage's end is its caller's."""

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Called by the trainer before a step, when the optimizer exists."""
        resume, self.resume = self.resume, None
        if resume:
            resume()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer after the optimizer has stepped."""
        self.stepped()
        self.show(self.ledger.steps, self.rewards)

        # after the last step nothing is left to stop: only a counter that is exceeded counts
        self.reason = agreed(self.ledger.used_up(self.budget, beyond=self.ledger.steps == self.last))
        if self.reason:
            control.should_training_stop = True
            return

        if self.after:
            self.after(self.done + state.global_step - 1)
        self.look_back()
        if self.save and state.global_step < state.max_steps:
            self.save()


def agreed(reason: str) -> str:
    """The reason to stop that the first process has, in all of them: its clock and its memory are in the record."""
    if not anywhere(World.now().first and bool(reason)):
        return ""
    return reason or "a counter of the budget was reached in the first process"


def anywhere(value: float) -> float:
    """The sum over processes: of truth values, whether it holds in any."""
    world = World.now()
    if world.size == 1:
        return value

    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    return world.sum(torch.tensor(float(value), dtype=torch.float64, device=device)).item()
