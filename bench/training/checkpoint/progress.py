"""A stage in progress: optimizer, schedule, and all that remembers earlier steps."""

from collections.abc import Mapping
from typing import Any

from bench.training.checkpoint.tree import poured
from bench.training.trl.balanced import Balanced
from methods import Method


class Progress:
    """What an armed trainer remembers. done: steps of the stage before it began."""

    def __init__(self, trainer: Balanced, done: int) -> None:
        self.trainer = trainer
        self.done = done
        self.around = trainer.balanced_step.around

    def state_dict(self) -> dict[str, Any]:
        """The state after a step."""
        trainer = self.trainer
        return {
            "done": self.done + trainer.state.global_step,
            "methods": [method.state_dict() for method in self._methods()],
            "optimizer": trainer.optimizer.state_dict(),
            "schedule": trainer.lr_scheduler.last_epoch,
            "carry": trainer.apportionment.carry,
        }

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Put a saved state back, before the next step.

        What a wrapper froze is not in it: `prepare` finds it in the first parameters.
        """
        trainer = self.trainer
        for method, state in zip(self._methods(), saved["methods"], strict=True):
            method.load_state_dict(poured(method.state_dict(), state))
        trainer.optimizer.load_state_dict(saved["optimizer"])  # its rate is the schedule's
        trainer.lr_scheduler.last_epoch = saved["schedule"]
        trainer.apportionment.carry = saved["carry"]
        trainer.witness.go_on(trainer.optimizer, saved["done"])

    def _methods(self) -> list[Method]:
        around = self.around
        return [self.trainer.method, *((around.wrapper, around.twin) if around else ())]
