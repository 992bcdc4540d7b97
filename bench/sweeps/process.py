"""One run in a process of its own: its log, its time limit, its end."""

import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError
from bench.places import CHECKOUT

GUARD = Path(__file__).with_name("guard.py")
BENCH_RUN = (sys.executable, "-P", "-m", "bench", "run")
"""What a run's words follow. -P: a folder `tasks/` of the user's is not the harness's."""
TAIL = 4096
"""Bytes at the end of a log in which progress and reasons are looked for."""
HEAD = "# "
"""Begins the first line of a log, the command."""
STEP = re.compile(r"step (\d+/\d+) ")
PHASE = re.compile(r"(\w[\w ]*) \.\.\.")


@dataclass(frozen=True)
class Ended:
    """How a run's process ended."""

    code: int
    """The exit status; minus the signal's number if one ended it."""
    seconds: float
    timed_out: bool = False
    last_words: str = ""
    """What it said at the end, without control characters."""
    record: str | None = None
    """Text of the record, where the run's store was not the sweep's."""
    trouble: str = ""
    """What went wrong outside of the run."""


class Process:
    """A command in its own session, so that all it started can be killed together; its output goes to a file."""

    def __init__(self, command: Sequence[str], log: Path, timeout: float | None, threads: int) -> None:
        """Start it. UserError if the log cannot be written: then a record could not be, either."""
        self.log = log
        self.timeout = timeout
        self._timed_out = False
        begin_log(log, command)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=environment(threads),
            )
        self._started = time.monotonic()

    def poll(self) -> Ended | None:
        """How it ended, or None while it runs; a run that is out of time is killed."""
        if self.timeout is not None and not self._timed_out and self.seconds > self.timeout and not self._is_over():
            self._timed_out = True
            self.kill()
        if not self._is_over():
            return None
        seconds = self.seconds
        self.kill()  # what it left behind; the group is its own until it is waited for
        code = self._process.wait()
        return Ended(code, seconds, self._timed_out and code == -signal.SIGKILL, last_words(self.log))

    def signal(self, number: int) -> None:
        """Send a signal to the process and to all that it started."""
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)

    def progress(self) -> str:
        """How far it is by its log."""
        return progress(self.log)

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self.signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, and all that it started."""
        self.signal(signal.SIGKILL)

    @property
    def seconds(self) -> float:
        """Since it was started."""
        return time.monotonic() - self._started

    def _is_over(self) -> bool:
        """Whether it ended; it is not waited for, so that its number stays its own."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self._process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def environment(threads: int) -> dict[str, str]:
    """The environment of a run: it finds the harness from anywhere, and uses that many CPU threads."""
    paths = [*([str(CHECKOUT)] if CHECKOUT else []), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(threads)}


def progress(log: Path) -> str:
    """How far a run is by its log: `train 12/60`, `evaluate`, or '' if that is not said."""
    text = ""
    for line in tail(log):
        if step := STEP.match(line):
            text = f"train {step[1]}"
        elif phase := PHASE.fullmatch(line):
            text = phase[1]
    return text


def last_words(log: Path) -> str:
    """Why a run ended, by its log: the harness's own sentence if it wrote one, else the last line."""
    lines = [line for line in tail(log) if line and not line.startswith(HEAD)]
    own = [line for line in lines if line.startswith("bench: ")]
    return (own or lines or [""])[-1].removeprefix("bench: ")[:500]


def tail(log: Path) -> list[str]:
    """The last lines of a log, stripped and without control characters."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - TAIL))
            text = file.read(TAIL).decode("utf-8", "replace")
    except OSError:
        return []
    return ["".join(letter for letter in line if letter.isprintable()).strip() for line in text.splitlines()]


def begin_log(log: Path, command: Sequence[str]) -> None:
    """Write the command at the head of its log, to the disk itself: a full one is found before a run is begun.

    UserError if it cannot be written: then a record could not be, either.
    """
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("w", encoding="utf-8") as file:
            file.write(f"{HEAD}{shlex.join(command)}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UserError(
            f"cannot write {log}: {error.strerror}. Free space or choose another place with store=DIR, and run the "
            "same command again."
        ) from None
