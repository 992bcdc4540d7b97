"""How far a whole run is, over all attempts at it: when it began, how training ended, what is evaluated."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from typing import Any

from torch import Tensor

from bench.errors import RunFailed


@dataclass
class Standing:
    """Saved with a run. Scores and ledger are in their JSON form."""

    started: str = field(default_factory=lambda: datetime.now(UTC).isoformat())
    """The first attempt."""
    earlier: float = 0.0
    """Seconds that earlier attempts took, as far as they were saved."""
    shown: int = 0
    """Full steps that the user saw."""
    status: str = ""
    """Empty until training is over."""
    reason: str = ""
    spent: dict[str, Any] = field(default_factory=dict)
    """The ledger at the end of training."""
    final: list[Tensor] = field(default_factory=list)
    """Parameters [P] of the final model, or of one a task."""
    after: dict[str, Any] = field(default_factory=dict)
    """Scores of the final model, by task."""

    def __post_init__(self) -> None:
        self._since = time.monotonic()

    def fail(self, failure: RunFailed) -> None:
        """The run failed: it has no final model, and no scores."""
        self.status = "failed"
        self.reason = str(failure)
        self.final = []
        self.after = {}

    def go_on(self, saved: Mapping[str, Any]) -> None:
        """Continue where an earlier attempt was saved."""
        for name, value in saved.items():
            setattr(self, name, value)

    def now(self) -> dict[str, Any]:
        """What is saved."""
        return {**{each.name: getattr(self, each.name) for each in fields(self)}, "earlier": self.seconds}

    @property
    def seconds(self) -> float:
        """Seconds that the run took so far."""
        return self.earlier + time.monotonic() - self._since

    def ended(self) -> datetime:
        """Now; not before the run's seconds are over, though the system's clock may have been set back."""
        return max(datetime.now(UTC), datetime.fromisoformat(self.started) + timedelta(seconds=self.seconds))

    def phase(self, steps: int) -> str:
        """What begins, in words."""
        if self.status:
            return "continuing after training"
        return f"continuing at step {self.shown + 1} of {steps}" if self.shown else "train"
