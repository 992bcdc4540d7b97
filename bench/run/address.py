"""A run's address: the identity that its record has, and the path where a store keeps it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.protocol import PROTOCOL
from bench.records.schema import MethodUse
from bench.records.store import identity_of, record_path
from bench.request.request import Request


def identity(request: Request, tasks: Sequence[dict[str, Any]], model: str, method: MethodUse) -> str:
    """SHA-256 of everything that can change a run's outcome.

    tasks: name, revision and data hash of each; model: digest of the base model's files.
    """
    return identity_of(
        {
            "protocol": PROTOCOL,
            "suite": {"digest": request.suite.digest},
            "tasks": tasks,
            "model": {"digest": model},
            "method": method.model_dump(mode="json"),
            "seed": request.seed,
        }
    )


def path_in_store(request: Request, folder: str) -> Path:
    """Where the run's record lies: `<store>/<suite>/<folder>/<seed>.json`."""
    return record_path(request.store, request.suite.name, folder, request.seed)
