"""The jail's server: a small interpreter that forks one or two locked children for every request.

Started by `tasks/_jail.py` as a script, with no site packages, no environment and a socket as descriptor 3.
It never sees a program or a test: a request brings one descriptor, over which the client talks to the child.
A request that asks for a pair forks a tester, which gets that descriptor, and a solver, which talks to the
tester alone. The server ends its children when the client says so, hangs up, or the time is over.
"""

import gc
import importlib
import os
import select
import signal
import socket
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path

REQUEST = struct.Struct("<cdd")
"""PAIR or SOLO; seconds of processor time for each child; seconds until they are ended whatever the client does."""
PAIR, SOLO, STOP = b"p", b"s", b"x"
PATIENCE = 5.0
"""Seconds between looks at whether the process that started this one is still there."""
STDLIB = """
__future__ abc array ast base64 binascii bisect calendar cmath collections collections.abc contextlib copy
dataclasses datetime _strptime decimal difflib enum fileinput fractions functools gc hashlib heapq inspect io itertools
json keyword math numbers operator os os.path pprint queue random re statistics string struct sys textwrap threading
time traceback types typing unicodedata warnings weakref zlib
encodings.ascii encodings.latin_1 encodings.utf_8 encodings.utf_16 encodings.utf_32 encodings.hex_codec
encodings.rot_13 encodings.unicode_escape encodings.raw_unicode_escape
""".split()  # noqa: SIM905
"""Modules that programs can import: they are loaded before the fork, as no child can open a file."""
HIDDEN = ("ctypes", "_ctypes", "socket", "_socket", "select", "signal", "resource", "tasks")
"""Modules of the server that a child does not find; tidiness, as the kernel is what holds it."""


READY, BROKEN = b"+", b"!"
"""First byte over a child's descriptor: its lock is on; it is not, and why."""


class Server:
    """Forks, waits, ends. control: a stream socket to the client."""

    def __init__(self, control: socket.socket, layers: frozenset[str]) -> None:
        self.control = control
        self.lock = importlib.import_module("tasks._jail.lock").Lock(layers)
        self.solver = importlib.import_module("tasks._jail.solver")
        self.tester = importlib.import_module("tasks._jail.tester")
        self.me, self.parent = os.getpid(), os.getppid()
        self.children: list[int] = []

    def serve(self) -> None:
        """Answer requests until the client hangs up or dies."""
        self.control.sendall(" ".join(sorted(self.lock.layers)).encode() + b"\n")

        while self.heard(None):
            request, descriptors, _, _ = socket.recv_fds(self.control, REQUEST.size, 1)
            if len(request) != REQUEST.size or not descriptors:
                return

            kind, seconds, wall = REQUEST.unpack(request)
            self.start(kind, seconds, descriptors[0])
            told = self.heard(time.monotonic() + wall)
            self.end()

            if not (told or self.heard(None)) or self.control.recv(1) != STOP:
                return
            self.control.sendall(STOP)

    def heard(self, deadline: float | None) -> bool:
        """Wait for the client; False when the deadline passes, or the client is gone."""
        while os.getppid() == self.parent:
            rest = PATIENCE if deadline is None else min(PATIENCE, deadline - time.monotonic())
            if rest <= 0:
                return False
            if select.select([self.control], [], [], rest)[0]:
                return True
        return False

    def start(self, kind: bytes, seconds: float, client: int) -> None:
        """Fork the children of a request. Where that fails, the client reads the end of its descriptor."""
        opened = [client]
        try:
            if kind == PAIR:
                near, far = (end.detach() for end in socket.socketpair())
                opened += [near, far]
                self.fork(self.solver.solve, (far,), seconds)
                self.fork(self.tester.test, (client, near), seconds)
            else:
                self.fork(self.solver.solve, (client,), seconds)
        except OSError as error:
            os.write(client, BROKEN + str(error).encode())

        for descriptor in opened:
            os.close(descriptor)

    def fork(self, act: Callable[..., None], descriptors: tuple[int, ...], seconds: float) -> None:
        child = os.fork()
        if child:
            self.children.append(child)
            return
        try:
            self.live(act, descriptors, seconds)
        finally:
            os._exit(1)  # whatever was raised: nothing of the server runs on in a child

    def live(self, act: Callable[..., None], descriptors: tuple[int, ...], seconds: float) -> None:
        """What a child does."""
        try:
            self.lock.enter(descriptors, seconds, self.me)
        except OSError as error:
            os.write(3, BROKEN + str(error).encode())
            return
        act(*range(3, 3 + len(descriptors)))

    def end(self) -> None:
        for child in self.children:
            os.kill(child, signal.SIGKILL)
        for child in self.children:
            os.waitpid(child, 0)
        self.children.clear()


def load_stdlib() -> None:
    """Import STDLIB so that forks are cheap: no OpenSSL, whose tables every fork copies, and no hooks after a fork.

    Those of `random` and `threading` would cost a third of it. No child starts threads, and all draw the same numbers.
    """
    sys.modules["_hashlib"] = None  # type: ignore[assignment]  # hashlib has its own implementations
    register, os.register_at_fork = os.register_at_fork, lambda **_: None
    for name in STDLIB:
        importlib.import_module(name)
    os.register_at_fork = register


def main(descriptor: int, layers: frozenset[str]) -> None:
    """Load everything that children need, close the ways to load more, and serve."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    load_stdlib()
    server = Server(socket.socket(fileno=descriptor), layers)

    sys.path.clear()
    sys.path_importer_cache.clear()
    for name in [*sys.modules]:
        if name.partition(".")[0] in HIDDEN:
            del sys.modules[name]

    for standard in (0, 1, 2):
        os.dup2(os.open(os.devnull, os.O_RDWR), standard)
    os.environ.clear()
    server.lock.settle()
    server.solver.settle()

    gc.collect()
    gc.freeze()
    server.serve()


if __name__ == "__main__":
    main(int(sys.argv[1]), frozenset(sys.argv[2].split(",")) - {""})
