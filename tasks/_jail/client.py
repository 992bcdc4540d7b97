"""The trainer's end of the jail: a server process, and conversations with its locked children.

Light to import; the server is started when it is first needed, and again when it has died.
"""

import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from bench.errors import UserError
from tasks._jail.server import READY, REQUEST, STOP
from tasks._jail.wire import LENGTH, MESSAGE, WireError, decode, encode

START = 60.0
"""Seconds that the server, or a child of it, may take to be ready: longer means a broken machine."""
WALL = 2.0
"""Wall clock over processor time: what a busy machine may add before a program is ended."""
GRACE = 2.0
"""Seconds beyond that after which the server ends it without being told."""
LAYERS = ("landlock", "seccomp")
UNSAFE = "BALANCEBENCH_UNSAFE_CODE"
SERVER = Path(__file__).with_name("server.py")

Result = TypeVar("Result")


class Failed:
    """What a program that failed gives; equal to no value."""

    def __repr__(self) -> str:
        return "FAILED"


FAILED: Final = Failed()


class BrokenJailError(Exception):
    """The server or the start of a child failed; the program is not to blame."""


class Line:
    """A conversation with a child, until a deadline. TimeoutError, EOFError, OSError or WireError end it."""

    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.deadline = time.monotonic() + START

    def wait(self, seconds: float) -> None:
        """Wait until the child is locked; from then on it has `seconds`. BrokenJailError if it does not get there."""
        try:
            first = self.read(1)
            trouble = "" if first == READY else self.end.recv(1000).decode(errors="replace")
        except (OSError, EOFError) as error:
            raise BrokenJailError(f"no child came up ({type(error).__name__})") from None
        if first != READY:
            raise BrokenJailError(trouble)
        self.deadline = time.monotonic() + seconds

    def read(self, count: int) -> bytes:
        parts = bytearray()
        while len(parts) < count:
            self.limit()
            part = self.end.recv(min(count - len(parts), 2**20))
            if not part:
                raise EOFError
            parts += part
        return bytes(parts)

    def limit(self) -> None:
        rest = self.deadline - time.monotonic()
        if rest <= 0:
            raise TimeoutError
        self.end.settimeout(rest)

    def tell(self, value: Any) -> None:
        data = encode(value)
        self.limit()
        self.end.sendall(LENGTH.pack(len(data)) + data)

    def ask(self, *question: Any) -> Any:
        """The value of the solver's answer. WireError if it is none, or tells of an error."""
        self.tell(question)
        length = LENGTH.unpack(self.read(4))[0]
        if length > MESSAGE:
            raise WireError("too large")
        answer = decode(self.read(length), plain=True)
        if type(answer) is not tuple or len(answer) != 2 or answer[0] != "value":
            raise WireError("an error")
        return answer[1]


class Jail:
    """One server, started when first needed, restarted when it dies. One request at a time.

    layers: which of LAYERS to use. UserError at the first request if the kernel has none of them.
    """

    def __init__(self, layers: Sequence[str] = LAYERS) -> None:
        self.layers = tuple(layers)
        self.active: tuple[str, ...] = ()
        """The layers in force, once started."""
        self.server: subprocess.Popen[bytes] | None = None
        self.control: socket.socket | None = None
        self.owner = os.getpid()
        self.one = threading.Lock()

    def talk(self, kind: bytes, seconds: float, say: Callable[[Line], Result]) -> Result | Failed:
        """What `say` returns, or FAILED if the conversation ends otherwise. RuntimeError if the jail breaks."""
        with self.one:
            for _ in range(2):
                try:
                    return self._once(kind, seconds, say)
                except BrokenJailError as error:
                    trouble = error  # perhaps ended from outside; a second time is no accident
                    self.close()
            raise RuntimeError(f"the jail for model-written code broke twice: {trouble}")

    def _once(self, kind: bytes, seconds: float, say: Callable[[Line], Result]) -> Result | Failed:
        control = self._started()
        mine, theirs = socket.socketpair()

        with mine:
            with theirs:
                self._request(control, REQUEST.pack(kind, seconds, WALL * seconds + GRACE), theirs.fileno())

            line = Line(mine)
            line.wait(WALL * seconds)
            try:
                result: Result | Failed = say(line)
            except (OSError, EOFError, WireError):
                result = FAILED

        self._stop(control)
        return result

    def _request(self, control: socket.socket, request: bytes, descriptor: int) -> None:
        try:
            socket.send_fds(control, [request], [descriptor])
        except OSError as error:
            raise BrokenJailError(str(error)) from None

    def _stop(self, control: socket.socket) -> None:
        """Have the children ended, and wait until they are."""
        try:
            control.sendall(STOP)
            answer = control.recv(1)
        except OSError as error:
            raise BrokenJailError(str(error)) from None
        if answer != STOP:
            raise BrokenJailError("the server is gone")

    def start(self) -> None:
        """Start the server, if it does not run. UserError if the kernel offers nothing and that is not accepted."""
        with self.one:
            self._started()

    def _started(self) -> socket.socket:
        """The socket to the running server; a forked process starts a server of its own."""
        if self.owner != os.getpid():
            self._forget()
        if self.control is None:
            self._launch()
        assert self.control is not None
        return self.control

    def _launch(self) -> None:
        mine, theirs = socket.socketpair()
        with theirs, tempfile.TemporaryFile() as errors:
            words = [str(SERVER), str(theirs.fileno()), ",".join(self.layers)]
            self.server = subprocess.Popen(  # noqa: S603 - our own interpreter and file
                [sys.executable, "-P", "-s", "-S", "-B", "-X", "utf8", *words],
                env={"PYTHONHASHSEED": "0"},  # the order of sets must not differ from run to run
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                pass_fds=(theirs.fileno(),),
                cwd="/",
            )
            theirs.close()
            mine.settimeout(START)
            self.control = mine
            self._greet(mine, errors)

    def _greet(self, control: socket.socket, errors: Any) -> None:
        """Learn which layers are in force; refuse to go on without any."""
        try:
            hello = control.recv(100)
        except OSError:
            hello = b""

        if not hello.endswith(b"\n"):
            self.close()
            errors.seek(0)
            raise BrokenJailError(f"the server does not start: {errors.read()[-500:].decode(errors='replace')}")

        self.active = tuple(hello.decode().split())
        missing = [layer for layer in LAYERS if layer not in self.active]
        if not self.active and not unsafe_code_is_allowed():
            self.close()
            raise UserError(refusal())

        if missing:
            warnings.warn(f"model-written code runs without {' and without '.join(missing)}", RuntimeWarning, 2)

    def close(self) -> None:
        """End the server and, with it, its children."""
        if self.owner != os.getpid():
            return self._forget()

        if self.control is not None:
            self.control.close()
        if self.server is not None:
            self.server.kill()
            self.server.wait()

        self.server = self.control = None
        return None

    def _forget(self) -> None:
        """In a forked process: the server belongs to the parent."""
        if self.control is not None:
            self.control.close()
        if self.server is not None:
            self.server.returncode = 0  # not ours to wait for
        self.server = self.control = None
        self.owner = os.getpid()


def unsafe_code_is_allowed() -> bool:
    """Whether the user accepted that model-written code runs without the kernel's protection."""
    return os.environ.get(UNSAFE) == "true"


def refusal() -> str:
    system = os.uname()
    return (
        f"model-written code cannot be locked in here: {system.sysname} {system.release} on {system.machine} offers "
        "neither seccomp nor Landlock (Linux on x86_64 or aarch64 has them). Run on such a machine, or accept that "
        "code a model wrote can do whatever you can, with unsafe_code=true."
    )
