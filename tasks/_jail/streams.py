"""Standard input and output of a program that has neither: in memory, under all the names that Python has for them.

Descriptors 0 to 2 of a locked process are /dev/null, and nothing can be opened. So `open(0)`, `os.read(0, n)`,
`os.write(1, data)`, `os.fstat(0)`, `sys.__stdin__` and "/dev/stdin" lead to the same bytes as `sys.stdin` and
`sys.stdout` do. All of this is the program's own process: it protects nothing.
"""

import builtins
import fileinput
import io
import os
import stat
import sys
from collections.abc import Callable
from typing import Any, NoReturn

PRINTED = 2**20
"""Characters, or bytes, that a program's standard output may have."""
PATHS = {
    f"{folder}{name}": place
    for place, names in enumerate((("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")))
    for folder, name in (("/dev/", names[0]), ("/dev/", names[1]), ("/proc/self/", names[1]))
}


OPEN = io.open
READ = os.read
WRITE = os.write
STATUS = os.fstat


class Sink(io.TextIOBase):
    """A text file that forgets what is written to it."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


class Printed:
    """What a program printed, kept up to PRINTED characters."""

    def __init__(self) -> None:
        self.parts: list[str] = []
        self.room = PRINTED

    def add(self, text: str) -> None:
        self.room -= len(text)
        if self.room < 0:
            raise MemoryError("too much output")
        self.parts.append(text)


class _Text(io.TextIOBase):
    """A text file that writes to standard output."""

    def __init__(self, printed: Printed) -> None:
        self.printed = printed
        self.buffer = _Bytes(printed)

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, text: str) -> int:
        self.printed.add(text)
        return len(text)


class _Bytes(io.RawIOBase):
    """The binary file below it."""

    def __init__(self, printed: Printed) -> None:
        self.printed = printed

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 1

    def write(self, data: Any) -> int:
        self.printed.add(bytes(data).decode(errors="replace"))
        return len(data)


class _Input(io.RawIOBase):
    """A binary file that reads standard input on from where any other such file has read."""

    def __init__(self, given: io.BytesIO) -> None:
        self.given = given

    def readable(self) -> bool:
        return True

    def fileno(self) -> int:
        return 0

    def readinto(self, buffer: Any) -> int:
        return self.given.readinto(buffer)


class Streams:
    """The streams of one program. given: its standard input."""

    def __init__(self, given: str) -> None:
        self.given = io.BytesIO(given.encode())
        self.size = len(self.given.getvalue())
        self.printed = Printed()

    def install(self) -> None:
        """Put these streams where programs look for them."""
        sys.stdin, sys.stdout, sys.stderr = self.open(0), self.open(1, "w"), Sink()
        vars(sys).update(__stdin__=sys.stdin, __stdout__=sys.stdout, __stderr__=sys.stderr)
        builtins.open = io.open = _instead(OPEN, self.open)
        os.read = _instead(READ, lambda _, size: self.given.read(size))
        os.write = _instead(WRITE, self.write)
        os.fstat = _instead(STATUS, self.status)
        fileinput.close()  # an earlier case may have stopped within its input

    def open(self, place: int, mode: str = "r", *_: Any, **__: Any) -> Any:
        """The stream of a descriptor, 0 to 2, as `open` would give it."""
        binary = "b" in mode
        if place == 0:
            buffer = io.BufferedReader(_Input(self.given))
            return buffer if binary else io.TextIOWrapper(buffer, encoding="utf-8")
        if place == 2:
            return _Bytes(Printed()) if binary else Sink()
        return _Bytes(self.printed) if binary else _Text(self.printed)

    def write(self, place: int, data: Any) -> int:
        if place == 1:
            return _Bytes(self.printed).write(data)
        return len(data)

    def status(self, place: int) -> os.stat_result:
        """The status of standard input: a file of its size, which programs read at once."""
        return os.stat_result((stat.S_IFREG, 0, 0, 1, 0, 0, self.size if place == 0 else 0, 0, 0, 0))

    def text(self) -> str:
        """What was printed. May raise: a program can leave anything for standard output."""
        sys.stdout.flush()
        return "".join(self.printed.parts)


def _instead(real: Callable[..., Any], ours: Callable[..., Any]) -> Callable[..., Any]:
    """A function of a file that takes ours for the standard streams, and the real one for any other file."""

    def act(file: Any, *given: Any, **named: Any) -> Any:
        place = file if isinstance(file, int) else PATHS.get(os.fsdecode(file))
        return ours(place, *given, **named) if place in (0, 1, 2) else real(file, *given, **named)

    return act


def leave(code: object = None) -> NoReturn:
    """End the program: `exit` and `quit`, which come with site packages that a locked process has not."""
    raise SystemExit(code)
