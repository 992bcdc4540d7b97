"""The side of the jail that runs a model's program: it loads it, calls it, and sends back plain values.

It knows the program and the arguments of calls, nothing else: neither tests nor expected values are in this
process. Whatever the program does to it, what leaves is bytes that the other side decodes strictly.
"""

import builtins
import io
import itertools
import os
import random
import sys
import types
from collections.abc import Callable
from types import TracebackType
from typing import Any, Self

from tasks._jail.streams import Sink, Streams, leave
from tasks._jail.wire import WireError, decode, encode, receive, send

TEXT = 1000
"""Characters of an error's message, and of a name, that are sent."""
ITEMS = 100_000
"""Members of an iterator that are sent."""
READY = b"+"
ENDS = ((), (None,), (0,))
"""What a program gives `sys.exit` that ends as it should; judges take any other code for an error."""


class Outcome:
    """Collects a result, or the error that ended it; nothing a program raises gets past."""

    def __init__(self) -> None:
        self.reply: tuple[Any, ...] = ("error", "RuntimeError", "")
        self.stopped = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> bool:
        if kind is not None:
            self.stopped = type(error) is SystemExit and error.args in ENDS
            self.reply = ("error", kind.__name__, "")
            if type(error) in vars(builtins).values() and error is not None and error.args:
                self.reply = ("error", kind.__name__, str.__str__(str(error.args[0]))[:TEXT])
        return True


class Solver:
    """One program, its namespace, and the objects of it that the other side holds by number."""

    def __init__(self, channel: int) -> None:
        self.channel = channel
        self.space: dict[str, Any] = {}
        self.held: list[Any] = []
        self.verbs: dict[str, Callable[..., Any]] = {
            "load": self.load,
            "call": lambda what, args, kwargs: what(*args, **kwargs),
            "apply": lambda name, args: self.resolve(name)(*args),
            "get": getattr,
            "set": setattr,
            "iterate": lambda what: list(itertools.islice(what, ITEMS)),
            "evaluate": self.evaluate,
            "run": self.run,
        }

    def serve(self) -> None:
        """Answer requests until nobody asks. The message before the first says that the lock is on."""
        os.write(self.channel, READY)
        while True:
            send(self.channel, self.answer(receive(self.channel)))

    def answer(self, request: bytes) -> bytes:
        outcome = Outcome()
        with outcome:
            verb, *given = decode(request, self.resolve)
            outcome.reply = ("value", self.verbs[verb](*given))
        try:
            return encode(outcome.reply, self.refer)
        except WireError as error:
            return encode(("error", "ValueError", str(error)))

    def refer(self, value: Any) -> int:
        self.held.append(value)
        return len(self.held) - 1

    def resolve(self, key: int | str) -> Any:
        if isinstance(key, int):
            return self.held[key]
        if key not in self.space:
            raise NameError(f"the program defines no {key}")
        return self.space[key]

    def load(self, program: str, name: str = "solution") -> None:
        """Run a program in a module of its own, where its names stay."""
        module = types.ModuleType(name)
        sys.modules[name] = module
        self.space = module.__dict__
        exec(compile(program, "<program>", "exec"), self.space)  # noqa: S102 - what this process is for

    def evaluate(self, expression: str, variable: str, inputs: list[Any]) -> list[Any]:
        """The value of an expression for each value of its variable."""
        code = compile(expression.strip(), "<expression>", "eval")
        return [eval(code, {variable: value}) for value in inputs]  # noqa: S307 - likewise

    def run(self, program: str, given: str) -> str:
        """What a program prints when `given` is its standard input; ending by sys.exit is no error."""
        streams = Streams(given)
        streams.install()

        outcome = Outcome()
        with outcome:
            self.load(program, "__main__")
            outcome.reply = ("value",)

        printed = streams.text()
        sys.stdout = Sink()
        if outcome.reply[0] == "error" and not outcome.stopped:
            raise RuntimeError(outcome.reply[1])
        return printed


def settle() -> None:
    """What the server puts on itself, and its children inherit: no streams or arguments, and one state of chance.

    What a program draws must not differ from run to run.
    """
    sys.stdin, sys.stdout, sys.stderr = io.StringIO(), Sink(), Sink()
    sys.argv = ["program"]
    vars(builtins).update(exit=leave, quit=leave)
    random.seed(0)


def solve(channel: int) -> None:
    """Serve over a descriptor until it closes; the process is locked already."""
    Solver(channel).serve()
