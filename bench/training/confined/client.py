"""The run's end of a confined process: the server, started once, and a conversation with one of its children."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import time
import weakref
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from bench.training.checkpoint.tree import Tensors, flatten
from bench.training.confined import memory
from bench.training.confined.child import READY
from bench.training.confined.wire import Message, NoMessage, packed, received
from tasks._jail.lock import Lock

START = 300.0
"""Seconds that server and child may take to be there: a busy machine loads torch in some of them."""
PATIENCE = 600.0
"""Seconds that a method may take for an answer."""
HOME = Path(__file__).resolve().parents[3]
"""Where the packages of the project lie that this process runs."""
MODULE = "bench.training.confined.server"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Unconfined(Exception):
    """No process could be locked in; the message says why."""


@dataclass
class _Kept:
    """The server of this process, or of one that it was forked from."""

    control: socket.socket | None = None


KEPT = _Kept()


def offered() -> bool:
    """Whether this kernel can lock a process in: seccomp closes everything, Landlock stands behind it."""
    return "seccomp" in Lock(frozenset()).offered()


def start_server() -> None:
    """Have a server, unless there is one; it is not waited for."""
    if KEPT.control is not None:
        return
    paths = [str(HOME), *filter(None, [os.environ.get("PYTHONPATH")])]
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [sys.executable, "-P", "-s", "-m", MODULE, str(theirs.fileno())],
            env={**os.environ, **ONE_THREAD, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.DEVNULL,
            pass_fds=(theirs.fileno(),),
            start_new_session=True,
        )
    KEPT.control = mine
    atexit.register(_end_server, mine, process, os.getpid())


def fork_server() -> None:
    """Have a server that is forked from this process, which must hold nothing of a run."""
    from bench.training.confined.server import serve

    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    if os.fork() == 0:
        try:
            mine.close()
            os.setsid()
            serve(theirs)
        finally:
            os._exit(1)  # nothing of this process runs on in there
    theirs.close()
    KEPT.control = mine


def _end_server(control: socket.socket, process: "subprocess.Popen[bytes]", owner: int) -> None:
    control.close()
    if os.getpid() == owner:
        process.kill()
        process.wait()


class Line:
    """A conversation with a child of the server. Unconfined if it cannot be locked in."""

    def __init__(self, modules: Sequence[str] = (), patience: float = PATIENCE, shared: int = 0) -> None:
        """modules: to load before the lock; patience: seconds that an answer may take; shared: bytes of memory."""
        self.patience = patience
        self._last: Any = None
        self._end, theirs = socket.socketpair()
        with theirs:
            _ask_for_a_child(theirs)

        self._deadline = time.monotonic() + START
        try:
            self._process = self._meet()
            self.memory = self._share(shared)
            """What both ends see, None if nothing is to be shared."""
        except (OSError, EOFError) as error:
            self._end.close()
            raise Unconfined(f"no process came up ({type(error).__name__})") from None
        self.close = weakref.finalize(self, _end, self._end, self._process, os.getpid())
        """End the process, once; it ends with this object, too."""

        try:
            self._end.sendall(packed({"modules": list(modules)}))
            locked = self._read(1) == READY
            why = "" if locked else self._end.recv(1000).decode(errors="replace")
        except (OSError, EOFError) as error:
            locked, why = False, type(error).__name__
        if not locked:
            self.close()
            raise Unconfined(why)

    def ask(self, do: str, given: Any = None, same: bool = False) -> Message:
        """The answer to a question. EOFError if the process is gone, TimeoutError if it is silent, NoMessage.

        same: `given` need not cross again if the last question had the same object.
        """
        found = Tensors()
        again = same and given is not None and given is self._last
        header = {"do": do, "same": True} if again else {"do": do, "given": flatten(given, found)}
        answer = self.exchange(header, found)
        self._last = given
        return answer

    def exchange(self, header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None) -> Message:
        """The answer to a message, which is what `ask` makes of a question."""
        self._last = None
        self._deadline = time.monotonic() + self.patience

        try:
            self._limit()
            self._end.sendall(packed(header, tensors, self.memory))
            return received(self._read, self.memory)
        except (TimeoutError, NoMessage):
            self.close()
            raise
        except OSError:
            raise EOFError from None

    def _meet(self) -> int:
        """A descriptor of the child's process, by which it can be ended whatever it does."""
        self._limit()
        said, descriptors, _, _ = socket.recv_fds(self._end, 1, 1)
        if said != READY or len(descriptors) != 1:
            raise EOFError
        return descriptors[0]

    def _share(self, size: int) -> "memory.Memory | None":
        """Memory of so many bytes, whose descriptor the child is sent."""
        if not size:
            self._end.sendall(READY)
            return None
        descriptor = memory.new(size)
        try:
            socket.send_fds(self._end, [READY], [descriptor])
            return memory.Memory(descriptor)
        finally:
            os.close(descriptor)

    def _read(self, count: int) -> bytearray:
        parts = bytearray(count)
        rest = memoryview(parts)
        while rest:
            self._limit()
            if not (size := self._end.recv_into(rest[: 2**20])):
                raise EOFError
            rest = rest[size:]
        return parts

    def _limit(self) -> None:
        rest = self._deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        self._end.settimeout(rest)


def _ask_for_a_child(end: socket.socket) -> None:
    """Send the child's end of the line to the server; a server that has ended is replaced once."""
    for _ in range(2):
        start_server()
        assert KEPT.control is not None
        with suppress(OSError):
            socket.send_fds(KEPT.control, [READY], [end.fileno()])
            return
        KEPT.control = None
    raise Unconfined("the server ends as soon as it is started")


def _end(end: socket.socket, process: int, owner: int) -> None:
    """Hang up and end the process, unless this is a fork of the one that asked for it."""
    end.close()
    if os.getpid() == owner:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(process, signal.SIGKILL)
    os.close(process)
