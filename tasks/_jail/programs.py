"""Run programs that a model wrote, in full CPython, with no way out and no way to decide their own score.

`passes` runs trusted tests against a program in two processes: the tests in one, the program in the other,
where neither tests nor expected values are. `prints` feeds standard input, `call` and `evaluate` return
plain values, and the comparison is done here. Whatever goes wrong in there is an ordinary False or FAILED.

Both processes are forks of a small server (`tasks/_jail/server.py`), locked by the kernel: Landlock, seccomp,
resource limits, an unprivileged user, a wall clock. docs/sandbox.md says what that promises and what not.
"""

import ast
import atexit
import builtins
import os
import threading
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any

from tasks._jail.client import Failed, Jail, Line
from tasks._jail.server import PAIR, SOLO, STDLIB
from tasks._jail.tester import PASSED

SECONDS = 4.0
"""Processor time of one program with all its tests, and half of its wall clock; nearly all gold solutions need a
hundredth of it."""
BUILTINS = frozenset(dir(builtins))
MODULES = frozenset(name for name in STDLIB if "." not in name and not name.startswith("_"))

_JAIL = Jail()
atexit.register(_JAIL.close)
os.register_at_fork(after_in_child=lambda: setattr(_JAIL, "one", threading.Lock()))


def passes(
    program: str,
    tests: str,
    *,
    given: str = "",
    names: Sequence[str] | None = None,
    seconds: float = SECONDS,
) -> bool:
    """Whether trusted `tests` run to their end against an untrusted `program`.

    given: trusted code that the tests build on; what it defines is not asked of the program.
    names: what the tests ask of the program; by default found by `asks`. Arguments of a call are copied,
    so a program that changes them changes its own copy.
    UserError if the machine offers no protection, RuntimeError if the jail itself fails twice.
    """
    found, modules = asks(f"{given}\n{tests}" if given else tests)
    job = {"program": program, "tests": tests, "given": given, "modules": modules}
    job["names"] = found if names is None else tuple(names)

    def judge(line: Line) -> bool:
        line.tell(job)
        return line.read(len(PASSED)) == PASSED

    return _JAIL.talk(PAIR, seconds, judge) is True


def prints(program: str, cases: Sequence[tuple[str, str]], *, seconds: float = SECONDS) -> bool:
    """Whether a program, given each case's input as standard input, prints the case's output.

    Outputs are compared line by line without surrounding white space. seconds: for all cases together.
    """

    def compare(line: Line) -> bool:
        return all(_lines(line.ask("run", program, given)) == _lines(printed) for given, printed in cases)

    return _JAIL.talk(SOLO, seconds, compare) is True


def _lines(text: Any) -> list[str] | None:
    return [part.strip() for part in text.strip().splitlines()] if type(text) is str else None


def call(program: str, function: str, arguments: Sequence[Any], *, seconds: float = SECONDS) -> Any | Failed:
    """What a function of the program returns, or FAILED.

    A plain value: None, bool, int, float, str, bytes, and lists, tuples, dictionaries and sets of such.
    """

    def ask(line: Line) -> Any:
        line.ask("load", program)
        return line.ask("apply", function, list(arguments))

    return _JAIL.talk(SOLO, seconds, ask)


def evaluate(expression: str, variable: str, inputs: Sequence[int], *, seconds: float) -> Any | Failed:
    """The plain value of one expression for each value of its variable, as a list; or FAILED."""
    return _JAIL.talk(SOLO, seconds, lambda line: line.ask("evaluate", expression, variable, list(inputs)))


def layers() -> tuple[str, ...]:
    """The kernel's layers in force; starts the jail. UserError if there are none and none are waived."""
    _JAIL.start()
    return _JAIL.active


# --- what tests ask of a program ---


@lru_cache(maxsize=4096)
def asks(tests: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What trusted tests use and do not define: names that the program must give, and standard modules; sorted.

    Where no name is asked for, a builtin that a test calls first of all (`assert sum(1, 2) == 3`) is meant to be
    the program's own. Tests that are no Python ask for nothing.
    """
    try:
        nodes = list(ast.walk(ast.parse(tests)))
    except (SyntaxError, ValueError):  # ValueError: null bytes
        return (), ()
    names = [node for node in nodes if isinstance(node, ast.Name)]
    used = {name.id for name in names if isinstance(name.ctx, ast.Load)}
    free = used - {name for node in nodes for name in _bound(node)}
    own = free - BUILTINS - MODULES or {name for node in nodes for name in _first_call(node)}
    return tuple(sorted(own)), tuple(sorted(free & MODULES))


def _bound(node: ast.AST) -> Iterator[str]:
    """The names that a node gives a value to."""
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.arg):
        yield node.arg
    elif isinstance(node, ast.ExceptHandler) and node.name:
        yield node.name
    elif isinstance(node, ast.Import | ast.ImportFrom):
        # `import a.b` binds a
        yield from ((alias.asname or alias.name).partition(".")[0] for alias in node.names)


def _first_call(node: ast.AST) -> Iterator[str]:
    """The builtin that the left side of an assertion calls, the outermost call."""
    if isinstance(node, ast.Assert):
        side = node.test.left if isinstance(node.test, ast.Compare) else node.test
        if isinstance(side, ast.Call) and isinstance(side.func, ast.Name) and side.func.id in BUILTINS:
            yield side.func.id
