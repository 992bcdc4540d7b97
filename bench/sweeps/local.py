"""Runs in processes of this machine."""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.sweeps.process import BENCH_RUN, Process
from bench.sweeps.runs import Run
from bench.sweeps.warm import ForkServer, WarmProcess

LOGS = ".logs"


class LocalBackend:
    """Worker processes: at most so many at once. A run's process writes to the sweep's store and claims the run."""

    claims_runs = False

    def __init__(self, workers: int, timeout: float | None = None, command: Sequence[str] = BENCH_RUN) -> None:
        """workers: >= 1; timeout: seconds a run may take; command: what a run's words follow."""
        self.workers = workers
        self.timeout = timeout
        self.command = tuple(command)
        self._servers: dict[int, ForkServer] = {}
        """By the threads of their runs."""

    def slots(self) -> int:
        """Runs that may be active at once."""
        return self.workers

    def start(self, run: Run) -> Process | WarmProcess:
        """Start a run, forked from a process that has the training stack where that is safe.

        UserError if its log cannot be written.
        """
        if self.command == BENCH_RUN and sys.platform == "linux":
            server = self._server(run)
            if not server.dead:
                return WarmProcess(server, run.words, log_of(run), self.timeout)
        return Process((*self.command, *run.words), log_of(run), self.timeout, run.threads)

    def close(self) -> None:
        """Nothing outlives its sweep."""
        for server in self._servers.values():
            server.close()
        self._servers.clear()

    def _server(self, run: Run) -> ForkServer:
        if run.threads not in self._servers:
            self._servers[run.threads] = ForkServer(run.threads, run.store / LOGS / "fork_server.log")
        return self._servers[run.threads]


def log_of(run: Run) -> Path:
    """What a run printed: `<store>/.logs/<suite>/<method>/<seed>.log`."""
    return run.store / LOGS / run.path.relative_to(run.store).with_suffix(".log")
