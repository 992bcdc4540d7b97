"""Suites and tasks that are files of a user's own: where they lie, and which ones they are, by their content.

An entry of `tasks` is a name of the project's, or a file: `path/to/task.py`, `path/to/rows.jsonl`, or
`path/to/rows.jsonl:VERIFIER`, where VERIFIER is one word or `file.py:function`. A relative path is read from the folder
of the mixture that names it, or from the current one. Nothing is imported here.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from bench.errors import UserError, close_to
from bench.records.store import digest_of

ENTRY = re.compile(r"(?P<path>.+?\.(?:jsonl(?:\.gz)?|py))(?::(?P<verifier>.+))?")
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}")
SUITE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,59}")
WORDS = ("number", "choice", "exact", "formula", "python-tests")
"""Verifiers of JSON-lines tasks that are one word; the other kind is `file.py:function`."""
SAY = f"Say one of {', '.join(WORDS)}, or file.py:function, after a colon or as `verifier` in the file's first line."
STORE = Path("runs")
"""Where records of these go where no store is named: results/ is of the project's suites."""


class TaskFile(BaseModel):
    """The file of a task, resolved."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    path: str
    """Absolute."""
    verifier: str | None = None
    """Of a JSON-lines task: one of WORDS, or `<absolute path>.py:function`; None for a task of Python."""
    digest: str
    """SHA-256 of the file's content and of its verifier's."""


def is_suite_file(name: str) -> bool:
    """Whether a suite is meant by its file."""
    return name.endswith((".yaml", ".yml"))


def is_task_file(entry: str) -> bool:
    """Whether an entry of `tasks` is a file."""
    return ENTRY.fullmatch(entry) is not None


def suite_file(name: str, taken: Sequence[str]) -> Path:
    """The file of a suite. UserError if there is none, or it is called as a suite of the project is.

    taken: names of the project's suites.
    """
    path = Path(name).expanduser().resolve()
    if not path.is_file():
        raise UserError(f"there is no file {name}. `bench new suite NAME` writes a mixture to begin with.")
    if not SUITE_NAME.fullmatch(path.stem):
        raise UserError(
            f"{name}: a suite is called as its file is: letters, digits, `_`, `-` and `.`, a letter first. Rename it."
        )
    if path.stem in taken:
        raise UserError(f"{name}: {path.stem} is a suite of the project, whose results are its own. Rename the file.")
    return path


def resolved(
    entries: Sequence[str], base: Path, known: Mapping[str, TaskFile] | None = None
) -> tuple[list[str], dict[str, TaskFile]]:
    """The names of tasks, and the files of those that have one.

    base: the folder that relative paths start from; known: files of tasks that an entry may name by the task's name.
    UserError for a file that is not there, or cannot be a task.
    """
    names = []
    files = {}

    for entry in entries:
        if not (found := ENTRY.fullmatch(entry)):
            names.append(entry)
            if known and entry in known:
                files[entry] = known[entry]
            continue
        name, file = _task_file(entry, found["path"], found["verifier"], base)
        names.append(name)
        files[name] = file

    return names, files


def task_file(entry: str, base: Path | None = None) -> tuple[str, TaskFile]:
    """The name and the file of one task. UserError as `resolved`."""
    (name,), files = resolved([entry], base or Path.cwd())
    return name, files[name]


def _task_file(entry: str, text: str, verifier: str | None, base: Path) -> tuple[str, TaskFile]:
    path = _found(text, base, entry)
    name = path.name.removesuffix(".gz").rpartition(".")[0]
    if not NAME.fullmatch(name):
        raise UserError(
            f"{entry}: a task is called as its file is, by letters, digits, `_` and `-`, a letter first. Rename it."
        )

    content = _digest(path)
    if path.suffix == ".py":
        if verifier:
            raise UserError(f"{entry}: a task of Python has its own `verify`; leave :{verifier} out.")
        return name, TaskFile(path=str(path), digest=content)

    said, folder = (verifier, base) if verifier else (_said_inside(path), path.parent)
    word, source = _verifier(entry, said, folder)
    return name, TaskFile(path=str(path), verifier=word, digest=digest_of([content, source or word]))


def _verifier(entry: str, said: Any, base: Path) -> tuple[str, str | None]:
    """The verifier in full, and, of a function, its name with the digest of its file."""
    if not isinstance(said, str):
        raise UserError(f"{entry} has no verifier. {SAY}")
    if said in WORDS:
        return said, None

    file, colon, function = said.rpartition(":")
    if not colon or not file.endswith(".py") or not function.isidentifier():
        raise UserError(f"{entry}: {said!r} is no verifier.{close_to(said, WORDS)} {SAY}")
    path = _found(file, base, entry)
    return f"{path}:{function}", f"{function} {_digest(path)}"


def _found(text: str, base: Path, entry: str) -> Path:
    path = (base / Path(text).expanduser()).resolve()
    if not path.is_file():
        raise UserError(f"tasks={entry}: there is no file {path}. `bench new task NAME` writes one to begin with.")
    return path


def _digest(path: Path) -> str:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None


def _said_inside(path: Path) -> Any:
    """What the first line of a JSON-lines file says of its verifier; None if nothing, or if it is no such file."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as file:
            first = json.loads(next((line for line in file if line.strip()), "null"))
    except (OSError, EOFError, ValueError, RecursionError):
        return None
    return first.get("verifier") if isinstance(first, dict) else None
