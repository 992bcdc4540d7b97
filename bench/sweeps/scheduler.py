"""Runs a plan on a backend: begin, watch, start again what died, share with other sweeps, stop when told to."""

import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal, Protocol

from bench.errors import UserError
from bench.records.claims import Purpose, claim, claimed
from bench.sweeps.process import Ended
from bench.sweeps.runs import Run, Status, recorded, status_of

POLL = 0.1
"""Seconds between two looks at the runs."""
LOOK_AGAIN = 1.0
"""Seconds until a run that another process claims is looked at again."""
GRACE = 10.0
"""Seconds that interrupted runs have to end by themselves."""

STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a sweep in good order."""

Result = Literal["done", "failed", "interrupted"]


class Job(Protocol):
    """A run in progress."""

    def poll(self) -> Ended | None: ...
    def progress(self) -> str: ...
    def interrupt(self) -> None: ...
    def kill(self) -> None: ...


class Backend(Protocol):
    """Where runs are executed."""

    claims_runs: bool
    """The sweep claims each run itself: its process does not see the sweep's store."""

    def slots(self) -> int: ...
    def start(self, run: Run) -> Job: ...
    def close(self) -> None: ...


@dataclass(frozen=True)
class Outcome:
    """What became of a run."""

    run: Run
    result: Result
    reason: str = ""
    seconds: float = 0.0
    """Wall seconds of its last attempt."""
    fresh: bool = True
    """This sweep ran it; otherwise another process did, meanwhile."""


@dataclass(frozen=True)
class Active:
    """A run in progress, with the claims that the sweep holds on it."""

    run: Run
    job: Job
    claims: ExitStack
    started: float
    """When it began, on the monotonic clock."""


class Reporter(Protocol):
    """Whoever shows what happens."""

    def started(self, run: Run, attempt: int) -> None: ...
    def again(self, run: Run, reason: str) -> None: ...
    def ended(self, outcome: Outcome) -> None: ...
    def look(self, active: list[Active], waiting: list[Run]) -> None: ...


class Scheduler:
    """One pass over some runs."""

    def __init__(self, runs: Iterable[Run], backend: Backend, reporter: Reporter, retries: int = 0) -> None:
        """retries: how often a run that died, or ran out of time, is started again."""
        self.backend = backend
        self.reporter = reporter
        self.retries = retries
        self.waiting = list(runs)
        self.active: list[Active] = []
        self.outcomes: list[Outcome] = []
        self.trouble = ""
        """Why nothing more could be begun."""

        self._interrupts = 0
        self._attempts: Counter[Path] = Counter()
        self._not_before: dict[Path, float] = {}
        self._before: dict[Path, Status] = {}

    @property
    def interrupted(self) -> bool:
        """Whether somebody wants it to end."""
        return self._interrupts > 0

    def execute(self) -> list[Outcome]:
        """Run them all, or until an interrupt. UserError if not even the first one can be begun."""
        try:
            with self._told_to_stop():
                while (self.waiting or self.active) and not self.interrupted:
                    self._fill()
                    self._collect()
                    self.reporter.look(self.active, self.waiting)
                    time.sleep(POLL)
                self._stop()
        finally:
            self._kill()
            self.backend.close()

        return self.outcomes

    @contextmanager
    def _told_to_stop(self) -> Iterator[None]:
        """Count interrupts instead of raising them: none comes between beginning a run and taking note of it."""
        before = {number: signal.signal(number, self._interrupt) for number in STOPS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        self._interrupts += 1

    def _fill(self) -> None:
        """Begin as many runs as there is room for."""
        now = time.monotonic()
        for run in list(self.waiting):
            if len(self.active) >= self.backend.slots():
                return
            if self._not_before.get(run.path, 0) > now:
                continue

            try:
                self._begin(run)
            except UserError as error:
                if not self.active and not self.outcomes:
                    raise
                self.trouble = str(error)
                self.waiting.clear()
                return

    def _begin(self, run: Run) -> None:
        """Begin a run, unless it is done, or another process has it: then it is looked at again later."""
        if status_of(run).state == "running":
            self._later(run)
            return

        with ExitStack() as claims:
            purposes: tuple[Purpose, ...] = ("sweep", "run") if self.backend.claims_runs else ("sweep",)
            if not all(claims.enter_context(claim(run.path, run.store, purpose)) for purpose in purposes):
                self._later(run)
                return
            self.waiting.remove(run)
            self._before[run.path] = recorded(run)
            if self._before[run.path].state == "done":
                self._end(Outcome(run, "done", fresh=False))
                return
            self._attempts[run.path] += 1
            job = self.backend.start(run)
            self.active.append(Active(run, job, claims.pop_all(), time.monotonic()))

        self.reporter.started(run, self._attempts[run.path])

    def _later(self, run: Run) -> None:
        self._not_before[run.path] = time.monotonic() + LOOK_AGAIN

    def _collect(self) -> None:
        """Take note of the runs that ended."""
        for active in list(self.active):
            if ended := active.job.poll():
                self.active.remove(active)
                active.claims.close()
                self._judge(active.run, ended)

    def _judge(self, run: Run, ended: Ended) -> None:
        status = recorded(run)
        if status.state == "done":
            self._end(Outcome(run, "done", seconds=ended.seconds))
            return
        if self.interrupted:
            self._end(Outcome(run, "interrupted", "interrupted", ended.seconds))
            return

        if ended.code > 0 and claimed(run.path, run.store, "run"):
            self._later(run)
            self.waiting.append(run)
            return

        reason = why(ended, status.reason if status.state == "failed" and status != self._before[run.path] else "")
        if died(ended) and self._attempts[run.path] <= self.retries:
            self.reporter.again(run, reason)
            self.waiting.insert(0, run)
        else:
            self._end(Outcome(run, "failed", reason, ended.seconds))

    def _end(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)
        self.reporter.ended(outcome)

    def _stop(self) -> None:
        """Interrupt the active runs, and give them time to end; a second interrupt cuts that short."""
        until = time.monotonic() + GRACE
        for active in self.active:
            active.job.interrupt()
        while self.active and self._interrupts < 2 and time.monotonic() < until:
            self._collect()
            time.sleep(POLL / 5)

    def _kill(self) -> None:
        """Leave nothing running."""
        for active in self.active:
            active.job.kill()
        while self.active:
            self._collect()
            time.sleep(POLL / 5)


def died(ended: Ended) -> bool:
    """Whether a process ended without a word of the harness: killed, crashed or out of time."""
    return ended.timed_out or ended.code < 0


def why(ended: Ended, recorded: str) -> str:
    """Why a run is not done, in words; recorded: the reason in the record that it left, if any."""
    if ended.trouble:
        return ended.trouble
    if ended.timed_out:
        return f"killed after {ended.seconds:.0f} s, which was its timeout"
    if ended.code < 0:
        return f"killed by {_signal(-ended.code)}"
    if recorded:
        return recorded
    if ended.code == 0:
        return "it ended without a record of this run"

    return ended.last_words or f"exit code {ended.code}"


def _signal(number: int) -> str:
    if number == signal.SIGKILL:
        return "SIGKILL, perhaps out of memory"
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
