"""Reproductions as files, `<root>/<suite>/<method>/<seed>.<8 hex>.json`: canonical text, checked as records are."""

import json
from collections.abc import Iterator
from pathlib import Path

from bench.errors import UserError
from bench.records.reproductions import Reproduction
from bench.records.rules import FILE, Problem
from bench.records.rules.text import irregular
from bench.records.schema import Record
from bench.records.store import digest_of, read_document

FOLDER = "reproductions"
"""The folder beside `results` in the checkout."""
MAX_BYTES = 32 * 1024
REDO = "Run `bench reproduce` again; do not edit its record."


def path_of(root: Path, reproduction: Reproduction) -> Path:
    """The place of a reproduction: `<root>/<suite>/<method>/<seed>.<8 hex digits of its contents>.json`."""
    mark = digest_of(reproduction.model_dump(mode="json"))[:8]
    return root / reproduction.suite / reproduction.method / f"{reproduction.seed}.{mark}.json"


def to_text(reproduction: Reproduction) -> str:
    """Canonical text: sorted keys, one line a key of the top level."""
    data = reproduction.model_dump(mode="json")
    lines = (f"{json.dumps(key)}: {json.dumps(data[key], sort_keys=True, allow_nan=False)}" for key in sorted(data))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def read(path: Path) -> Reproduction:
    """The reproduction in a file. UserError names file, field and reason if it is none."""
    return read_document(path, Reproduction, "reproduction", MAX_BYTES)


def problems_in(path: Path, record: Record | None = None) -> list[Problem]:
    """What is wrong with the file of a reproduction; empty if nothing is.

    record: the committed record it is about; without it, only the file itself is examined.
    """
    if problem := irregular(path):
        return [problem]

    try:
        found = read(path)
    except UserError as error:
        return [Problem(path, FILE, str(error).replace(f"{path}", "the file", 1).rstrip("."), REDO)]

    depth = found.method.count("/") + 3
    expected = path_of(Path(), found).parts
    problems = []
    if path.absolute().parts[-depth:] != expected:
        problems.append(Problem(path, FILE, f"it belongs at {'/'.join(expected)}", REDO))
    if record is not None:
        problems += [Problem(path, name, "is not what the record says", REDO) for name in _strange(found, record)]
    return problems


def _strange(found: Reproduction, record: Record) -> Iterator[str]:
    """Fields in which a reproduction misquotes its record."""
    quoted = {
        "suite": (found.suite, record.suite.name),
        "seed": (found.seed, record.seed),
        "identity": (found.identity, record.identity),
        "recorded_outcome": (found.recorded_outcome, record.outcome_digest),
        "recorded_status": (found.recorded_status, record.status),
        "mean_gain.recorded": (found.mean_gain.recorded, record.mean_gain),
        "tasks": ([task.name for task in found.tasks], [task.name for task in record.tasks]),
    }
    yield from (name for name, (here, there) in quoted.items() if here != there)
    for task, result in zip(found.tasks, record.tasks, strict=False):
        if task.before.recorded != result.before.mean:
            yield f"tasks.{task.name}.before.recorded"
        if task.after and (result.after is None or task.after.recorded != result.after.mean):
            yield f"tasks.{task.name}.after.recorded"
