"""All tasks, found by walking the folder: a new module is a new task, nothing else to edit."""

import importlib
import pkgutil
from functools import cache

import tasks
from bench.errors import UserError, unknown
from tasks._base import Task


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


def get_task(name: str) -> Task:
    """The task of that name; UserError with suggestions if there is none."""
    tasks_by_name = all_tasks()
    if name not in tasks_by_name:
        raise unknown("task", name, tasks_by_name, "bench tasks")
    return tasks_by_name[name]
