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

    last: ledger steps after which nothing more is asked of the run, or None; after: called with 0, 1, ...
    """

    def __init__(
        self,
        budget: Budget,
        ledger: RunningLedger,
        last: int | None,
        show: Show,
        after: Callable[[int], None] | None = None,
    ) -> None:
        self.budget, self.ledger, self.last, self.show, self.after = budget, ledger, last, show, after
        self.rewards: Sequence[float] = ()
        self.reason = ""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Called by the trainer after the optimizer has stepped."""
        self.show(self.ledger.steps, self.rewards)
        self.reason = agreed(self.ledger.used_up(self.budget, beyond=self.ledger.steps == self.last))
        if self.reason:
            control.should_training_stop = True
        elif self.after:
            self.after(state.global_step - 1)


def agreed(reason: str) -> str:
    """The reason to stop, the same in all processes: clocks and memory differ between them."""
    world = World.now()
    if world.size == 1:
        return reason
    device = torch.device("cuda", torch.cuda.current_device()) if torch.cuda.is_available() else torch.device("cpu")
    stops = world.sum(torch.tensor(float(bool(reason)), device=device)).item()
    return reason or ("a counter of the budget was reached in another process" if stops else "")
