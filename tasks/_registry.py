"""All tasks, found by walking the folder: a new module is a new task, nothing else to edit."""

import importlib
import pkgutil
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Protocol

import tasks
from bench.errors import UserError, unknown
from tasks._base import Task

_OWN: dict[str, Task] = {}
"""Tasks that are files of the user's own, by name, as `tasks_of` met them last."""


class File(Protocol):
    """Where a task of the user's own is."""

    @property
    def path(self) -> str:
        """Its file."""

    @property
    def verifier(self) -> str | None:
        """The verifier of a JSON-lines file."""

    @property
    def digest(self) -> str:
        """SHA-256 of the content."""


class Mixture(Protocol):
    """What a suite says of its tasks."""

    @property
    def tasks(self) -> Sequence[str]:
        """Their names."""

    @property
    def files(self) -> Mapping[str, File]:
        """Files of those that are the user's own."""


@cache
def all_tasks() -> dict[str, Task]:
    """Every task by name, sorted. A duplicate name is refused; a module that cannot be imported raises."""
    found: dict[str, Task] = {}
    for info in pkgutil.walk_packages(tasks.__path__, "tasks.", onerror=_reraise):
        if info.ispkg or "._" in info.name:
            continue

        module = importlib.import_module(info.name)

        # a module also holds the task classes that it imports; they belong to others
        for value in vars(module).values():
            if not (isinstance(value, type) and issubclass(value, Task) and value.__module__ == info.name):
                continue
            if value.name in found:
                raise UserError(f"two tasks are called {value.name!r}: rename the one in {info.name}.")
            found[value.name] = value()

    return dict(sorted(found.items()))


def _reraise(package: str) -> None:
    """Called while a package's import error is handled, which pkgutil would otherwise swallow."""
    raise


def tasks_of(suite: Mixture) -> list[Task]:
    """The tasks of a suite, in its order. From here on `get_task` knows those that are files, by their names.

    UserError for a task that does not exist, and for a file that is none or is called as a task of the project is.
    """
    for name, file in suite.files.items():
        if name in all_tasks():
            raise UserError(f"{file.path}: {name} is a task of the project. Give the file another name.")
        _OWN[name] = _in_file(name, file.path, file.verifier, file.digest)
    return [_OWN[name] if name in suite.files else get_task(name) for name in suite.tasks]


@cache
def _in_file(name: str, path: str, verifier: str | None, digest: str) -> Task:
    """The task in a file; one of other content is another task."""
    from tasks._own import own_task

    return own_task(name, Path(path), verifier)


def get_task(name: str) -> Task:
    """The task of that name; UserError with suggestions if there is none."""
    tasks_by_name = all_tasks()
    if name in tasks_by_name:
        return tasks_by_name[name]
    if name in _OWN:
        return _OWN[name]
    raise unknown("task", name, tasks_by_name, "bench tasks")
