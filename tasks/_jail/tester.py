"""The side of the jail that runs trusted tests: every name that the program must give is a remote stub.

A call of a stub sends the arguments to the solver, a copy of them, and gets a plain value back. What has no
plain form stays there: the stub of such an object can be called, passed back, iterated, and asked for its
attributes. It is equal to nothing but itself, and neither true nor false.

The verdict is sent when all tests have run to the end. Anything else that happens is no verdict.
"""

import builtins
import importlib
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NoReturn

from tasks._jail.solver import READY
from tasks._jail.wire import WireError, decode, encode, receive, send

PASSED = b"passed"


class Link:
    """A channel to the solver: one question, one answer."""

    def __init__(self, channel: int) -> None:
        self.channel = channel

    def wait(self) -> None:
        """Wait until the solver says that its lock is on; until then it has nothing of a model. EOFError if it dies."""
        if os.read(self.channel, 1) != READY:
            raise EOFError

    def ask(self, verb: str, *given: Any) -> Any:
        """The value of an answer; the error that it tells of is raised here."""
        send(self.channel, encode((verb, *given), refer))
        answer = decode(receive(self.channel), lambda key: Remote(self, key))
        if type(answer) is not tuple or len(answer) not in (2, 3):
            raise WireError("no answer")
        if answer[0] != "value":
            fail(*answer[1:])
        return answer[1]


class Remote:
    """An object of the solver, by its number there, or a name of the program."""

    __slots__ = ("_key", "_link")

    def __init__(self, link: Link, key: int | str) -> None:
        object.__setattr__(self, "_link", link)
        object.__setattr__(self, "_key", key)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._link.ask("call", self, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        return self._link.ask("get", self, name)

    def __setattr__(self, name: str, value: Any) -> None:
        self._link.ask("set", self, name, value)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._link.ask("iterate", self))

    def __bool__(self) -> bool:
        raise TypeError("an object of the program is neither true nor false")


def refer(value: Any) -> int | str:
    """The key of a stub; nothing else of the tests can be sent."""
    if type(value) is not Remote:
        raise WireError(f"tests cannot send a {type(value).__name__}")
    key: int | str = object.__getattribute__(value, "_key")
    return key


def fail(kind: object = "", text: object = "", *_: object) -> NoReturn:
    """Raise the builtin error of that name, or RuntimeError.

    One that ends a loop or the process in silence would skip what remains of a test: it is a RuntimeError too.
    """
    error = getattr(builtins, kind, None) if isinstance(kind, str) else None
    if not (isinstance(error, type) and issubclass(error, Exception)) or error in (StopIteration, StopAsyncIteration):
        error = RuntimeError
    try:
        raised = error(str(text))
    except TypeError:
        raised = RuntimeError(str(text))
    raise raised


def namespace(link: Link, names: Sequence[str], modules: Sequence[str]) -> dict[str, Any]:
    """What tests see: modules of the standard library, and a stub for each name of the program."""
    space: dict[str, Any] = {"__name__": "tests"}
    space.update((name, importlib.import_module(name)) for name in modules)
    space.update((name, Remote(link, name)) for name in names)
    return space


def judge(link: Link, job: Mapping[str, Any]) -> None:
    """Load the program, then run the tests. Returns if they pass, and raises otherwise."""
    names = job["names"]
    space = namespace(link, names, job["modules"])
    if job["given"]:
        exec(compile(job["given"], "<given>", "exec"), space)  # noqa: S102 - a data set's code, in a jail of its own
        space.update((name, Remote(link, name)) for name in names)
    link.ask("load", job["program"])
    exec(compile(job["tests"], "<tests>", "exec"), space)  # noqa: S102


def test(client: int, solver: int) -> None:
    """Send READY, read a job, and send PASSED if all tests pass; the process is locked already."""
    link = Link(solver)
    link.wait()
    os.write(client, READY)
    judge(link, decode(receive(client)))
    os.write(client, PASSED)
