"""Errors a user can mend: printed as one sentence, without a traceback, with exit code 2."""

import difflib
import traceback
from collections.abc import Iterable
from pathlib import Path


class UserError(Exception):
    """Something the user can fix. The message says what was asked, what is allowed, and what to do."""

    exit_code = 2


class BrokenRecord(UserError):
    """A file of a store that is no valid record, so that what was asked for failed."""

    exit_code = 1


class RunFailed(Exception):
    """A run that cannot go on: the method returned nonsense, or training diverged. It becomes a record."""


FAULTS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    MemoryError,
    NameError,
    OSError,
    RunFailed,
    RuntimeError,
    StopIteration,
    SyntaxError,
    SystemExit,
    TypeError,
    UserError,
    ValueError,
    Warning,
)
"""What the code of a method or of a task may raise that is its author's to mend."""


def line_of(error: BaseException, path: Path) -> int | None:
    """The last line of that file on the error's way, if there is one."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    return lines[-1] if lines else None


def close_to(name: str, known: Iterable[str]) -> str:
    """' Did you mean ...?' with the nearest known names, or '' if none is near; case is no difference."""
    by_lower = {each.lower(): each for each in known}  # PCGrad is a paper's spelling of pcgrad
    near = [by_lower[each] for each in difflib.get_close_matches(name.lower(), list(by_lower), n=2, cutoff=0.5)]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""


def unknown(kind: str, name: str, known: Iterable[str], listing: str) -> UserError:
    """The error for a name that is not registered, with the nearest registered names.

    listing: the command that lists what is known.
    """
    names = sorted(known)
    return UserError(f"no {kind} {name!r}.{close_to(name, names)} `{listing}` lists all {len(names)}.")
