"""A child of the server: it locks itself in, executes a method's file, and answers for it until the run hangs up.

Before the lock it runs code of the harness only. After it, no file, no network, no other process and no descriptor but
the socket can be reached, whatever the method does.
"""

import importlib
import os
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from bench.training.confined.hosted import Hosted
from bench.training.confined.memory import Memory
from bench.training.confined.wire import Message, packed, received
from tasks._jail.lock import FIRST, Lock

READY, BROKEN = b"+", b"!"
"""First byte over the socket, before a descriptor of the child: it is there. After it: locked in, or why not."""
PROCESSOR = 4 * 3600.0
"""Seconds of processor time that a child may take in all, should nobody end it."""
ROOM = 2**30
"""Bytes of address space beyond what the server has."""
SHARED = 4
"""Times the shared memory that a method has room for: copies in double precision, and a state of several gradients."""


def live(lock: Lock, server: int, end: socket.socket) -> NoReturn:
    """What a child does; it does not return."""
    try:
        handle = os.pidfd_open(os.getpid())
        socket.send_fds(end, [READY], [handle])
        memory = shared(end)
        load(received(partial(exactly, end.fileno()))[0]["modules"])
        try:
            room = ROOM + (SHARED * memory.size if memory else 0)
            lock.enter((end.detach(),), PROCESSOR, server, address_space() + room)
        except OSError as error:
            os.write(FIRST, BROKEN + str(error).encode())
            os._exit(1)
        os.write(FIRST, READY)
        serve(FIRST, memory)
    finally:
        os._exit(1)  # whatever was raised: nothing of the server runs on in a child


def shared(end: socket.socket) -> Memory | None:
    """The memory whose descriptor the run sends, None where it sends none."""
    _, descriptors, _, _ = socket.recv_fds(end, 1, 1)
    return Memory(descriptors[0]) if descriptors else None  # the lock closes the descriptor


def load(modules: list[str]) -> None:
    """Import what the method will, which is Python's own or installed; then forget where more could be found."""
    for module in modules:
        with suppress(ImportError):  # the method's own import says so, in a file and a line
            importlib.import_module(module)
    sys.path.clear()
    sys.path_importer_cache.clear()


def address_space() -> int:
    """Bytes of address space that this process has."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE")


def serve(end: int, memory: Memory | None = None) -> None:
    """Answer questions until there are none."""
    torch.set_num_threads(1)

    def exchange(header: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> Message:
        send(end, packed(header, tensors, memory))
        return received(partial(exactly, end), memory)

    hosted = Hosted(memory, exchange)
    question = received(partial(exactly, end), memory)
    while True:
        question = exchange(*hosted.answer(*question))


def send(end: int, message: bytes) -> None:
    """Write all of a message to a descriptor."""
    rest = memoryview(message)
    while rest:
        rest = rest[os.write(end, rest) :]


def exactly(end: int, count: int) -> bytearray:
    """Read exactly so many bytes from a descriptor; this process ends if there are fewer."""
    parts = bytearray(count)
    place = 0

    while place < count:
        part = os.read(end, min(count - place, 2**20))
        if not part:
            os._exit(0)
        parts[place : place + len(part)] = part
        place += len(part)
    return parts
