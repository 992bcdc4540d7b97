"""Whether two formulas are equal, decided in a process of its own.

What a model wrote is read and computed with in `tasks/_formulas/worker.py`, under a wall clock that kills. Whatever
goes wrong there is the ordinary result "not equal". The worker starts with `start()` or with the first comparison; it
ends with this process.
"""

import atexit
import importlib.util
import json
import os
import select
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from bench.errors import UserError
from tasks._formulas.boxed import LONGEST
from tasks._formulas.settled import settled, spelt

WORKER = Path(__file__).with_name("worker.py")
START = 60.0
"""Seconds until a worker must be ready; it takes a fifth of one."""
STUCK = 5.0
"""Seconds after which the worker itself is taken for dead. It answers within one, by its own clock."""
REMEDY = "Install it with `pip install mpmath`"


class Worker:
    """A running worker process."""

    def __init__(self) -> None:
        # -P: the worker's folder holds a package `math`, which must not shadow the standard one.
        # A session of its own: Ctrl-C is for the trainer, which may still have replies to verify.
        self.process = subprocess.Popen(  # noqa: S603 - our own file
            [sys.executable, "-P", str(WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,
            env={**os.environ, "PYTHONHASHSEED": "0"},
            start_new_session=True,
        )
        self.ready = False

    def ask(self, gold: str, answer: str) -> bool | None:
        """Whether two answers are equal, or None if the worker is dead or stuck. UserError if it does not start."""
        if not self.ready and self._read(START) != b"R":
            self.kill()
            raise UserError(
                f"the process that compares mathematical answers does not start: `{sys.executable} -P {WORKER}` "
                f"shows why. It needs mpmath. {REMEDY}."
            )

        self.ready = True
        assert self.process.stdin is not None
        try:
            self.process.stdin.write(json.dumps([gold, answer]).encode() + b"\n")
        except BrokenPipeError:
            return None
        return {b"1": True, b"0": False}.get(self._read(STUCK))

    def _read(self, seconds: float) -> bytes:
        """One byte; empty at the end of the stream or of the time."""
        assert self.process.stdout is not None
        poll = select.poll()
        poll.register(self.process.stdout, select.POLLIN)
        return os.read(self.process.stdout.fileno(), 1) if poll.poll(seconds * 1000) else b""

    def kill(self) -> None:
        """End the worker and its child."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.abandon()

    def abandon(self) -> None:
        """Close this process's ends of the pipes."""
        for stream in (self.process.stdin, self.process.stdout):
            assert stream is not None
            stream.close()


_lock = threading.Lock()
_worker: Worker | None = None


def start() -> None:
    """Start the worker if none runs, without waiting for it. UserError if mpmath is not installed."""
    with _lock:
        _running()


def need() -> None:
    """UserError if mpmath is not installed; imports and starts nothing."""
    if importlib.util.find_spec("mpmath") is None:
        raise UserError(f"tasks with mathematical answers need mpmath, which is not installed. {REMEDY}.")


def same(gold: str, answer: str, *, percent: bool = True) -> bool:
    """Whether `answer` equals `gold`, both in LaTeX or plain text, by spelling, exact numbers, or as formulas.

    answer: untrusted text of any length; percent: as for `settled`. Takes 1.2 s at most, once the worker runs.
    UserError without mpmath.
    """
    verdict = settled(gold, answer, percent=percent)
    return equal(*spelt(gold, answer, percent=percent)) if verdict is None else verdict


@lru_cache(maxsize=2**14)
def equal(gold: str, answer: str) -> bool:
    """Whether two answers in plain spelling are equal as formulas. One longer than LONGEST is not looked at."""
    if not answer.strip() or max(len(gold), len(answer)) > LONGEST:
        return False
    with _lock:
        for _ in range(2):  # a worker may have been killed from outside; it is not the answer's doing
            verdict = _running().ask(gold, answer)
            if verdict is not None:
                return verdict
            _stop()
    return False


def _running() -> Worker:
    global _worker
    if _worker is None:
        need()
        _worker = Worker()
    return _worker


def _stop() -> None:
    global _worker
    if _worker is not None:
        _worker.kill()
        _worker = None


def _forget() -> None:
    """In a forked child: leave the parent's worker alone, and have one's own when needed."""
    global _lock, _worker
    _lock = threading.Lock()
    if _worker is not None:
        _worker.abandon()
        _worker.process.returncode = 0  # so that its destructor does not ask about a process of the parent's
        _worker = None


atexit.register(_stop)
os.register_at_fork(after_in_child=_forget)
