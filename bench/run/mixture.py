"""What a suite trains on: its tasks with their rows, and its base model, by their digests."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench.models.files import model_digest
from bench.request.suite import Suite
from tasks import Row, Task, data_hash
from tasks._registry import tasks_of


@dataclass(frozen=True)
class Mixture:
    """Tasks and rows in the suite's order."""

    tasks: list[Task]
    rows: list[tuple[Row, ...]]
    """Training rows of each task."""
    heldout: list[tuple[Row, ...]]
    """Held-out rows of each task that are evaluated."""
    data: list[dict[str, Any]]
    """Name, revision and data hash of each task, as a record has them, and the file's digest of the user's own."""
    model: str
    """SHA-256 of the base model's files."""


Mix = Callable[[Suite], Mixture]


def mixture_of(suite: Suite) -> Mixture:
    """Draw or read the rows of a suite, and hash them. UserError if a task lacks rows or the model is damaged."""
    tasks = tasks_of(suite)
    model = model_digest(suite.model, suite.revision)

    skip = suite.evaluation.skip
    items = suite.evaluation.items
    rows = [task.rows("train", suite.train_rows(task.name)) for task in tasks]
    heldout = [task.rows("heldout", skip + items)[skip:] for task in tasks]

    data = [
        {
            "name": task.name,
            "revision": task.revision,
            "data_hash": data_hash((*train, *held)),
            **({"file": suite.files[task.name].digest} if task.name in suite.files else {}),
        }
        for task, train, held in zip(tasks, rows, heldout, strict=True)
    ]
    return Mixture(tasks, rows, heldout, data, model)
