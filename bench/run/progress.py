"""The interface of whatever shows a run's progress, and what it is told."""

from typing import Protocol


class Watcher(Protocol):
    """Whoever shows the run's progress."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...
