"""Tasks of a user's own: a file of Python with a task in it, or JSON lines, from anywhere.

What is in such a file is a stranger's: whatever it raises, and whatever its verifier says beside 0 and 1, is answered
with the task's name and the rule, and never with a traceback.
"""

import hashlib
import inspect
import random
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import FAULTS, UserError, line_of
from tasks._base import Row, Split, Task

VERDICTS = (0, 1)
RULE = "A verdict is 1.0 for a right reply and 0.0 for any other, whatever a reply holds"
SHOWN = 60
"""Characters of a reply that an error quotes."""
DESCRIPTION = """include: {shared}
task: {name}
dataset_kwargs: {{task: {name}}}
metadata: {{version: {revision}, items: 500}}
"""
"""A task for lm-eval, as the project's own are described."""


class Described(Task):
    """What is put before a task that lies outside of the project: lm-eval gets a description of it."""

    @property
    def harness_yaml(self) -> Path:
        """The description, in a folder of this process."""
        path = Path(_folder().name) / f"{self.name}.yaml"
        shared = Path(__file__).with_name("_heldout.yaml")
        path.write_text(DESCRIPTION.format(shared=shared, name=self.name, revision=self.revision), "utf-8")
        return path


class Own(Described):
    """What is put before code of a user's own: its answers are checked."""

    def verify(self, reply: str, row: Row) -> float:
        """1.0 or 0.0. UserError, with the task's name and the rule, if the verifier says anything else or raises."""
        try:
            verdict: Any = super().verify(reply, row)  # type: ignore[safe-super] # a task stands behind
        except UserError:
            raise
        except FAULTS as error:
            raise self.fault(error, f"its verifier, on the reply {_shown(reply)},", f". {RULE}") from error

        if not isinstance(verdict, bool | int | float) or verdict not in VERDICTS:
            said = repr(verdict) if isinstance(verdict, int | float | str | None) else type(verdict).__name__
            raise UserError(
                f"task {self.name!r}: its verifier returned {said} for the reply {_shown(reply)}. {RULE}; "
                f"`bench check {place(self)}` tries it."
            )
        return float(verdict)

    def stream(self, split: Split) -> Iterator[Row]:
        """The rows of a split. UserError, with the task's name, if its code raises."""
        try:
            yield from super().stream(split)  # type: ignore[safe-super] # a task stands behind
        except UserError:
            raise
        except FAULTS as error:
            raise self.fault(error, f"its {split} rows cannot be drawn: it") from error

    def solution(self, row: Row) -> str:
        """A right reply. UserError, with the task's name, if its code raises."""
        try:
            return super().solution(row)
        except UserError:
            raise
        except FAULTS as error:
            raise self.fault(error, "its solution") from error

    def slip(self, row: Row, rng: random.Random) -> str:
        """A wrong reply. UserError, with the task's name, if its code raises."""
        try:
            return super().slip(row, rng)  # type: ignore[safe-super] # a task stands behind
        except UserError:
            raise
        except FAULTS as error:
            raise self.fault(error, "its slip") from error

    def fault(self, error: BaseException, what: str, rule: str = "") -> UserError:
        """A sentence for what its code raised."""
        file = place(self)
        line = line_of(error, file)
        where = f"{file}, line {line}: " if line else ""
        return UserError(f"task {self.name!r}: {what} raised {where}{type(error).__name__}: {error}{rule}.")


def place(task: Task) -> Path:
    """The file that a task was written in."""
    return Path(getattr(task, "path", None) or inspect.getfile(type(task)))


def own_task(name: str, path: Path, verifier: str | None) -> Task:
    """The task in a file.

    verifier: of a JSON-lines file, as `bench.request.own.TaskFile` has it. UserError names the file and what is wrong.
    """
    if path.suffix != ".py":
        from tasks._rows import rows_task

        return rows_task(name, path, verifier)

    module = module_of(path)
    found = [kind for kind in vars(module).values() if _is_task(kind, module)]
    if len(found) != 1:
        named = ", ".join(kind.__name__ for kind in found) or "none"
        raise UserError(f"{path} must have one class derived from ProceduralTask, DataTask or Task, and has {named}.")

    kind = found[0]
    for member in ("name", "domain", "revision", "summary", "chance", "max_reply_tokens"):
        if not hasattr(kind, member):
            raise UserError(
                f"{path}: the class {kind.__name__} has no {member}; `bench new task NAME` shows all of it."
            )
    if kind.name != name:
        raise UserError(f"{path}: the task is called {kind.name!r} and its file {name!r}. Give both one name.")
    if missing := sorted(getattr(kind, "__abstractmethods__", ())):
        raise UserError(f"{path}: the class {kind.__name__} lacks {', '.join(missing)}.")
    guarded: type[Task] = type(kind.__name__, (Own, kind), {"__module__": kind.__module__, "path": str(path)})
    return guarded()


def module_of(path: Path) -> ModuleType:
    """The module in a file that is in no package. UserError names the line if it cannot be imported."""
    try:
        return _module(path, path.read_text("utf-8"))
    except FAULTS as error:
        line = line_of(error, path)
        raise UserError(f"{path}: {f'line {line}, ' if line else ''}{type(error).__name__}: {error}.") from error


@cache
def _module(path: Path, source: str) -> ModuleType:
    """The module, under a private name that path and text decide."""
    digest = hashlib.sha256(f"{path} {source}".encode()).hexdigest()
    module = ModuleType(f"_task_{path.stem}_{digest[:8]}")
    module.__file__ = str(path)
    sys.modules[module.__name__] = module  # dataclasses look themselves up there

    try:
        exec(compile(source, str(path), "exec"), vars(module))  # noqa: S102 - a file that the user names
    except FAULTS:
        del sys.modules[module.__name__]
        raise
    return module


def _is_task(kind: object, module: ModuleType) -> bool:
    return (
        isinstance(kind, type)
        and issubclass(kind, Task)
        and kind.__module__ == module.__name__
        and not kind.__name__.startswith("_")
    )


def _shown(reply: str) -> str:
    return ascii(reply if len(reply) <= SHOWN else f"{reply[:SHOWN]}...")


@cache
def _folder() -> "tempfile.TemporaryDirectory[str]":
    """A folder that goes when the process ends."""
    return tempfile.TemporaryDirectory(prefix="bench-tasks-")
