"""A process of its own that scores the model: it was forked before any method was imported, and never imports one.

A fork costs nothing but the pages that the parent goes on to change, while a fresh interpreter would spend seconds on
imports. The child holds the model as it was loaded, gets trained parameters over a pipe, and answers questions in
JSON. Whatever happens in the parent afterwards, its code is that of the harness.
"""

import ctypes
import json
import os
import signal
import sys
import traceback
import weakref
from collections.abc import Callable, Mapping
from contextlib import suppress
from multiprocessing.connection import Connection, Pipe
from typing import Any

import torch
from torch import Tensor

from bench.errors import UserError

Answer = Callable[[Any], Any]
"""From JSON to JSON; UserError reaches the asker as one."""
PDEATHSIG = 1
"""prctl option: the signal that a process gets when its parent dies."""


class Apart:
    """The forked process. Only for models on a processor, in a process that computes with one thread.

    answers: what may be asked, by name; load: takes new trained parameters, [P], and says the digest of the model.
    """

    def __init__(self, answers: Mapping[str, Answer], load: Callable[[Tensor], str]) -> None:
        self._end, theirs = Pipe()
        sys.stdout.flush()
        sys.stderr.flush()

        parent = os.getpid()
        self._child = os.fork()
        if self._child == 0:
            self._end.close()
            _live(parent, theirs, answers, load)

        theirs.close()
        self.close = weakref.finalize(self, _end, self._end, self._child, parent)
        """End the process, once; it ends with this object, too."""

    def load(self, parameters: Tensor) -> str:
        """Score the model with these trained parameters, [P], from here on; its digest."""
        self._tell(json.dumps({"load": len(parameters)}).encode())
        exact = parameters.detach().float().contiguous()  # of bfloat16, too
        self._tell(exact.view(torch.uint8).numpy().data)
        digest = self._hear()
        assert isinstance(digest, str)
        return digest

    def ask(self, question: str, given: Any = None) -> Any:
        """The answer to a question. UserError if that is the answer, or the process was ended."""
        self._tell(json.dumps({"ask": question, "given": given}).encode())
        return self._hear()

    def _tell(self, message: bytes | memoryview) -> None:
        with suppress(OSError):  # a reader that is gone is found by what it does not answer
            self._end.send_bytes(message)

    def _hear(self) -> Any:
        try:
            answer = json.loads(self._end.recv_bytes())
        except (EOFError, OSError):
            raise UserError(
                "the process that scores the model was ended, as by a lack of memory. Run the same command again."
            ) from None
        if "refused" in answer:
            raise UserError(answer["refused"])
        return answer["answer"]


def _live(parent: int, end: Connection, answers: Mapping[str, Answer], load: Callable[[Tensor], str]) -> None:
    """What the child does until the parent hangs up or dies; it does not return."""
    code = 1
    try:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what an interrupt means
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        if sys.platform == "linux":
            ctypes.CDLL(None).prctl(PDEATHSIG, ctypes.c_ulong(signal.SIGKILL), 0, 0, 0)
        if os.getppid() == parent:
            _serve(end, answers, load)
        code = 0
    finally:
        if code:
            traceback.print_exc()
            sys.stderr.flush()
        os._exit(code)  # nothing of the parent runs on in here


def _serve(end: Connection, answers: Mapping[str, Answer], load: Callable[[Tensor], str]) -> None:
    while True:
        try:
            message = json.loads(end.recv_bytes())
        except EOFError:
            return

        try:
            if "load" in message:
                given = bytearray(4 * message["load"])
                end.recv_bytes_into(given)
                answer: Any = load(torch.frombuffer(given, dtype=torch.float32))
            else:
                answer = answers[message["ask"]](message["given"])
        except UserError as refused:
            end.send_bytes(json.dumps({"refused": str(refused)}).encode())
        else:
            end.send_bytes(json.dumps({"answer": answer}).encode())


def _end(end: Connection, child: int, owner: int) -> None:
    """Hang up, and wait for the child, unless this is another fork of the process that started it."""
    end.close()
    if os.getpid() == owner:
        with suppress(ChildProcessError):
            os.waitpid(child, 0)
