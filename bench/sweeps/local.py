"""Runs in processes of this machine."""

from collections.abc import Sequence
from pathlib import Path

from bench.sweeps.process import BENCH_RUN, Process
from bench.sweeps.runs import Run

LOGS = ".logs"


class LocalBackend:
    """Worker processes: at most so many at once. A run's process writes to the sweep's store and claims the run."""

    claims_runs = False

    def __init__(self, workers: int, timeout: float | None = None, command: Sequence[str] = BENCH_RUN) -> None:
        """workers: >= 1; timeout: seconds a run may take; command: what a run's words follow."""
        self.workers = workers
        self.timeout = timeout
        self.command = tuple(command)

    def slots(self) -> int:
        """Runs that may be active at once."""
        return self.workers

    def start(self, run: Run) -> Process:
        """Start a run. UserError if its log cannot be written."""
        return Process((*self.command, *run.words), log_of(run), self.timeout, run.threads)

    def close(self) -> None:
        """Nothing outlives its run."""


def log_of(run: Run) -> Path:
    """What a run printed: `<store>/.logs/<suite>/<method>/<seed>.log`."""
    return run.store / LOGS / run.path.relative_to(run.store).with_suffix(".log")
