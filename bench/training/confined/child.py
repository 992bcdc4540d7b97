"""A child of the server: it locks itself in, executes a method's file, and answers for it until the run hangs up.

Before the lock it runs code of the harness only. After it, no file, no network, no other process and no descriptor but
the socket can be reached, whatever the method does.
"""

import importlib
import os
import socket
import sys
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Generator, Tensor

from bench.errors import FAULTS, RunFailed, line_of
from bench.training.checkpoint.tree import Tensors, Unsaveable, flatten, poured, rebuild
from bench.training.confined.memory import Memory
from bench.training.confined.source import Texts
from bench.training.confined.wire import KINDS, Message, kind_of, packed, received
from methods import SampleWeighting
from tasks._jail.lock import FIRST, Lock

READY, BROKEN = b"+", b"!"
"""First byte over the socket, before a descriptor of the child: it is there. After it: locked in, or why not."""
PROCESSOR = 4 * 3600.0
"""Seconds of processor time that a child may take in all, should nobody end it."""
ROOM = 2**30
"""Bytes of address space beyond what the server has."""
GRADIENTS = 12
"""Times the shared memory that a method has room for: copies in double precision, and a state of several gradients."""
NAME = 100
"""Most letters of the name of a type."""


def live(lock: Lock, server: int, end: socket.socket) -> NoReturn:
    """What a child does; it does not return."""
    try:
        handle = os.pidfd_open(os.getpid())
        socket.send_fds(end, [READY], [handle])
        memory = shared(end)
        load(received(partial(exactly, end.fileno()))[0]["modules"])
        try:
            room = ROOM + (GRADIENTS * memory.size if memory else 0)
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
    hosted = Hosted(memory)
    while True:
        rest = memoryview(hosted.answer(*received(partial(exactly, end))))
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


class Hosted:
    """The method, once it is loaded and started."""

    def __init__(self, memory: Memory | None = None) -> None:
        self.memory = memory
        self.kind: Any = None
        self.method: Any = None
        self.file = ""
        self.last: Any = None
        """What the method was given last: it may be given the same again."""

    def answer(self, header: dict[str, Any], tensors: dict[str, Tensor]) -> bytes:
        """The answer to a message."""
        given = self.last if header.get("same") else rebuild(header.get("given"), tensors)
        self.last = given

        try:
            return packed(*self._done(header, given))
        except RunFailed as failed:
            return packed({"failed": str(failed)})
        except Unsaveable as kind:
            return packed({"unsaveable": str(kind)})
        except FAULTS as error:
            line = line_of(error, Path(self.file))
            where = f"line {line}, " if line else ""
            return packed({"raised": f"{where}{type(error).__name__}: {error}"})

    def _done(self, header: dict[str, Any], given: Any) -> Message:
        do = header["do"]
        if do == "load":
            return self._load(**given), {}
        if do == "start":
            return self._start(**given), {}

        if do == "state":
            return _saved(self.method.state_dict())
        if do == "restore":
            self.method.load_state_dict(poured(self.method.state_dict(), given))
            return {}, {}

        if do == "combine":
            return self._combined(*given)
        if do in ("observe", "updated"):
            getattr(self.method, do)(given)
            return {}, {}
        return _crossing(getattr(self.method, do)(*(() if given is None else (given,))))

    def _combined(self, shape: list[int], dtype: torch.dtype, layout: Any, signals: Any) -> Message:
        """The method's direction, and whether it wrote to the task gradients."""
        assert self.memory is not None
        gradients = self.memory.tensor(shape, dtype)
        before = gradients._version
        header, tensors = _crossing(self.method.combine(gradients, layout, signals))
        return {**header, "wrote": gradients._version != before}, tensors

    def _load(self, module: str, class_name: str, file: str, texts: dict[str, str]) -> dict[str, Any]:
        """Execute the method's file, and say what its class does."""
        self.file = file
        sys.meta_path.insert(0, Texts(texts, file, module))
        self.kind = getattr(importlib.import_module(module), class_name)
        own = issubclass(self.kind, SampleWeighting) and self.kind.token_weights is not SampleWeighting.token_weights
        return {"token_weights": own}

    def _start(self, settings: dict[str, Any], chance: Tensor, run: Any) -> dict[str, Any]:
        generator = Generator()
        generator.set_state(chance)
        self.method = self.kind(self.kind.Settings(**settings), generator).start(run)
        return {}


def _saved(state: dict[str, Any]) -> Message:
    """A method's state, as a checkpoint writes it. Unsaveable."""
    found = Tensors()
    tree = flatten(state, found)
    return {"state": tree}, dict(found)


def _crossing(answer: Any) -> Message:
    """A method's answer: a tensor, or what it is instead, which the run refuses in its own words."""
    if not isinstance(answer, Tensor):
        return {"type": type(answer).__name__[:NAME]}, {}
    if kind_of(answer) not in KINDS or answer.layout is not torch.strided:
        return {"type": f"{answer.layout} {kind_of(answer)}"[:NAME]}, {}
    return {"grad": answer.requires_grad}, {"answer": answer}
