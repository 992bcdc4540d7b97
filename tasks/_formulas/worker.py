"""The process that compares two formulas. Run by `tasks._formulas.symbolic`, as a script.

It loads `tasks._formulas.comparison` once and forks a child that does the comparing. A child that takes too long,
runs out of memory or crashes is killed, the answer is "not equal", and the next child is there within milliseconds.
Request: a line of JSON, [gold, answer], in plain spelling. Reply: one byte, 1 or 0; R once, when ready.
"""

import gc
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Never

Compare = Callable[[str, str], bool]

SECONDS = 1.0
"""Wall clock for one comparison. Nearly all take less than a fiftieth of it."""
MEMORY = 2**29
"""Address space of the child, in bytes; it starts with 40 MB."""
REUSE = 500
"""Comparisons a child may do, as caches may not grow for ever."""
WARM = [
    (r"\frac{1}{2}", "0.5"), (r"\sqrt{8}", r"2\sqrt{2}"), ("x^2+2x+1", "(x+1)^2"), ("(1,2)", "(1, 2)"),
    ("[0,1)", "[0, 1)"), (r"\{1,2\}", "2, 1"), ("y=2x", "y = 2x"), (r"\frac{\pi}{3}", r"\pi/3"), ("3+4i", "4i+3"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix} 1 \\ 2 \end{pmatrix}"),
    (r"(-\infty,2]\cup[3,\infty)", r"[3,\infty)\cup(-\infty,2]"),
]  # fmt: skip
"""Compared once before the first fork, so that constants are computed and patterns compiled."""


class Child:
    """A forked process that answers requests until it is killed."""

    def __init__(self, compare: Compare) -> None:
        self.asked = 0
        requests, self.requests = os.pipe()
        self.replies, replies = os.pipe()
        self.process = os.fork()

        if not self.process:
            os.close(self.requests)
            os.close(self.replies)
            serve(os.fdopen(requests, "rb"), replies, compare)
        os.close(requests)
        os.close(replies)

    def ask(self, request: bytes) -> bytes:
        """The reply to a request; empty if the child died or took longer than SECONDS."""
        self.asked += 1
        with suppress(BrokenPipeError):
            os.write(self.requests, request)
        ready, _, _ = select.select([self.replies], [], [], SECONDS)
        return os.read(self.replies, 1) if ready else b""

    def kill(self) -> None:
        os.close(self.requests)
        os.close(self.replies)
        os.kill(self.process, signal.SIGKILL)
        os.waitpid(self.process, 0)


def serve(requests: BinaryIO, replies: int, compare: Compare) -> Never:
    """The child's life: limits first, then one request after the other. The timer ends it even if it is orphaned."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(nothing, stream)
    limit(resource.RLIMIT_AS, MEMORY)
    limit(resource.RLIMIT_CPU, REUSE)
    limit(resource.RLIMIT_FSIZE, 0)
    limit(resource.RLIMIT_CORE, 0)

    for request in requests:
        signal.setitimer(signal.ITIMER_REAL, 2 * SECONDS)
        gold, answer = json.loads(request)
        verdict = compare(gold, answer)
        signal.setitimer(signal.ITIMER_REAL, 0)
        os.write(replies, b"1" if verdict else b"0")
    os._exit(0)


def limit(kind: int, value: int) -> None:
    """Lower a limit; a system that lacks it keeps the others, and the wall clock."""
    with suppress(OSError, ValueError):
        resource.setrlimit(kind, (value, value))


def comparison() -> Compare:
    """Our comparison of formulas, with its tables built, so that a forked child has them at once."""
    sys.path.insert(0, str(Path(__file__).parents[2]))
    from tasks._formulas.comparison import equal

    wrong = [pair for pair in WARM if not equal(*pair)]
    if wrong:
        sys.exit(f"these are called different: {wrong}")
    gc.freeze()
    return equal


def main() -> None:
    compare = comparison()
    os.write(1, b"R")
    child = Child(compare)

    for request in sys.stdin.buffer:
        reply = child.ask(request)
        os.write(1, reply or b"0")
        if not reply or child.asked >= REUSE:
            child.kill()
            child = Child(compare)
    child.kill()


if __name__ == "__main__":
    main()
