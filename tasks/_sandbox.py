"""Run one model-written expression on given inputs, with no way out.

Execution happens in a pydantic-monty worker: a separate process that speaks Python's syntax but has no
files, no network, no processes and no clock to wait on, under limits for time, memory, recursion and
output. Expected values never enter it. Whatever goes wrong in there is an ordinary result, `None`.

Where pydantic-monty is not installed, the jail (`tasks/_jail`) runs the expression instead, and says so once.
"""

import atexit
import os
import warnings
from collections.abc import Sequence
from functools import cache
from typing import TYPE_CHECKING

from bench.errors import UserError
from tasks._jail import programs

if TYPE_CHECKING:
    from pydantic_monty import Monty

SECONDS = 0.3
"""Time for one expression over all its inputs; a right one needs a thousandth of it, so that a busy machine
does not turn right replies into wrong ones."""
GRACE = 0.1
"""Seconds beyond that until a worker that cannot stop by itself is killed."""
MEMORY = 16 * 2**20
"""Heap of one expression, in bytes; printed output counts against a cap of its own."""
OUTPUT = 64 * 2**10
RECURSION = 100
REMEDY = "Install it with `pip install pydantic-monty==1.4.0`"
PROGRAM = "[eval(expression, {variable: value}) for value in inputs]"
"""What the worker runs. Its `eval` takes one expression, no statements, and sees nothing but the variable."""


def evaluate(expression: str, variable: str, inputs: Sequence[int]) -> list[int] | None:
    """The value of `expression` for each input, or None if it fails in any way or a value is no integer.

    expression: untrusted text; must be a single expression in `variable`. Neither booleans nor floats are
    integers here. Takes SECONDS + GRACE at most, twice that if the worker dies. UserError without a sandbox.
    """
    if not _installed():
        return _integers(programs.evaluate(expression, variable, inputs, seconds=SECONDS))
    pool = _pool()
    from pydantic_monty import MontyCrashedError, MontyError

    for _ in range(2):
        try:
            values = _run(pool, expression, variable, inputs)
        except MontyCrashedError as crash:
            if crash.timed_out:
                return None
            continue  # perhaps killed from outside; a second death is the expression's own doing
        except MontyError:
            return None
        return _integers(values)
    return None


def _integers(values: object) -> list[int] | None:
    """A list of integers as it is, anything else as None."""
    plain = isinstance(values, list) and all(type(value) is int for value in values)
    return values if plain else None  # type: ignore[return-value]


@cache
def _installed() -> bool:
    """Whether pydantic-monty is there; warns once if it is not, and the jail stands in."""
    try:
        import pydantic_monty  # noqa: F401
    except ImportError:
        layers = " and ".join(programs.layers()) or "no protection (unsafe_code=true)"
        warnings.warn(
            f"pydantic-monty is not installed: expressions run in the jail, with {layers}. {REMEDY} to have verdicts "
            "that compare with those of other records.",
            RuntimeWarning,
            stacklevel=3,
        )
        return False
    return True


def _run(pool: "Monty", expression: str, variable: str, inputs: Sequence[int]) -> list[int]:
    """What PROGRAM returns: of any type, in truth. Raises MontyError."""
    from pydantic_monty import CollectString

    limits = {"max_feed_duration_secs": SECONDS, "max_memory": MEMORY, "max_recursion_depth": RECURSION}
    given = {"expression": expression, "variable": variable, "inputs": list(inputs)}
    with pool.checkout(limits=limits) as session:  # type: ignore[arg-type]
        return session.feed_run(PROGRAM, inputs=given, print_callback=CollectString(max_bytes=OUTPUT))  # type: ignore[no-any-return]


def _pool() -> "Monty":
    """The running worker pool. RuntimeError in a process forked from the one that started it."""
    pool, owner = _start()
    if owner != os.getpid():
        raise RuntimeError(
            "this process was forked after the sandbox had started, and would take replies meant for its "
            "parent. Start processes with 'spawn', or before the first reply is verified."
        )
    return pool


@cache
def _start() -> "tuple[Monty, int]":
    """A pool of one worker, as verification is sequential, and the process it serves; started once."""
    from pydantic_monty import Monty, MontyError

    pool, owner = Monty(min_processes=1, max_processes=1, feed_duration_limit_grace=GRACE), os.getpid()
    try:
        pool.__enter__()
        _run(pool, "x + 1", "x", [1])
    except (RuntimeError, MontyError) as error:
        raise UserError(f"the sandbox does not start: {error}. {REMEDY}.") from None
    atexit.register(_close, pool, owner)
    return pool, owner


def started() -> bool:
    """Whether this process, or one it was forked from, has a worker: a fork cannot have it as well."""
    return _start.cache_info().currsize > 0


def _close(pool: "Monty", owner: int) -> None:
    """End the worker, unless this is a forked child that inherited its parent's exit handlers."""
    if os.getpid() == owner:
        pool.__exit__(None, None, None)
