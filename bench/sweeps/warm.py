"""Runs forked from a process that has loaded the training stack: the sweep's side of `bench/sweeps/fork_server.py`."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from bench.sweeps.process import BENCH_RUN, GUARD, Ended, begin_log, environment, last_words, progress

SERVER = (sys.executable, "-P", "-m", "bench.sweeps.fork_server")


class ForkServer:
    """One server for runs of as many CPU threads; it is started when the first run is."""

    def __init__(self, threads: int, log: Path) -> None:
        """threads: of each run; log: where the server's own troubles go."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a list of words, no shell
                [sys.executable, "-I", "-S", str(GUARD), str(os.getpid()), *SERVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                start_new_session=True,
                env=environment(threads),
            )
        assert self._process.stdout
        os.set_blocking(self._process.stdout.fileno(), False)
        self._unread = b""
        self._codes: dict[str, int] = {}

    def ask(self, **request: object) -> None:
        """Send a request. What a dead server does not read is lost: the kernel has killed its runs."""
        assert self._process.stdin
        with suppress(BrokenPipeError):
            self._process.stdin.write(f"{json.dumps(request)}\n".encode())
            self._process.stdin.flush()

    def code_of(self, key: str) -> int | None:
        """How a run ended, None while it runs."""
        assert self._process.stdout
        while read := self._process.stdout.read(65536):
            *lines, self._unread = (self._unread + read).split(b"\n")
            for line in map(json.loads, lines):
                self._codes[line["run"]] = line["code"]

        if key not in self._codes and self.dead:
            return -signal.SIGKILL
        return self._codes.pop(key, None)

    @property
    def dead(self) -> bool:
        """Whether it ended, as it does where the training stack cannot be loaded."""
        return self._process.poll() is not None

    def close(self) -> None:
        """End the server, and with it all that it started."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()


class WarmProcess:
    """A run that was forked, in its own session; its output goes to a file. It is what `Process` is to a sweep."""

    def __init__(self, server: ForkServer, words: Sequence[str], log: Path, timeout: float | None) -> None:
        """Begin it. words: those of `bench run`. UserError if the log cannot be written."""
        self.log = log
        self.timeout = timeout
        self._server = server
        self._timed_out = False
        self._key = f"{id(self)}-{time.monotonic_ns()}"
        begin_log(log, (*BENCH_RUN, *words))
        server.ask(run=self._key, words=["run", *words], log=str(log.resolve()))
        self._started = time.monotonic()

    def poll(self) -> Ended | None:
        """How it ended, or None while it runs; a run that is out of time is killed."""
        if self.timeout is not None and not self._timed_out and self.seconds > self.timeout:
            self._timed_out = True
            self.kill()
        code = self._server.code_of(self._key)
        if code is None:
            return None
        return Ended(code, self.seconds, self._timed_out and code < 0, last_words(self.log))

    def progress(self) -> str:
        """How far it is by its log."""
        return progress(self.log)

    def signal(self, number: int) -> None:
        """Send a signal to the process and to all that it started."""
        self._server.ask(run=self._key, signal=number)

    def interrupt(self) -> None:
        """Ask it to end, as Ctrl-C does."""
        self.signal(signal.SIGINT)

    def kill(self) -> None:
        """End it, and all that it started."""
        self.signal(signal.SIGKILL)

    @property
    def seconds(self) -> float:
        """Since it was begun."""
        return time.monotonic() - self._started
