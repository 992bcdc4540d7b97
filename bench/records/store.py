"""Records on disk: `<root>/<suite>/<method>/<seed>.json`, written whole or not at all."""

import hashlib
import json
import os
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from bench.errors import UserError
from bench.records.fields import Frozen
from bench.records.schema import LATER, MAX_BYTES, OPTIONAL_CURVES, SCHEMA_VERSION, Record

WITHDRAWN = ".withdrawn.json"
"""Ending of a document that withdraws the record of the same name: `bench.records.withdrawal`."""
DAMAGED = "Delete it and run again; if it is committed, `git restore` it."
"""What mends a file that is no record, wherever it was met: `bench run` writes no record over what it cannot read."""
Document = TypeVar("Document", bound=Frozen)

MEASURED = ("wall_seconds", "cpu_seconds", "peak_memory_bytes", "computed_tokens", "rollout_tokens")
"""Counters that may differ between two runs of one identity: time, memory, and how losses were computed."""
EXACT = ("name", "version", "settings", "source_digest")
"""What fixes a method's behaviour."""


def digest_of(value: Any) -> str:
    """SHA-256 of a JSON value in canonical form (sorted keys, no spaces)."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def identity_of(record: dict[str, Any]) -> str:
    """A run's identity: the hash of everything that can change its outcome, from the record's JSON form.

    Versions of packages and hardware are not in it: they change the last bits, and a finished run of another
    machine is still that run.
    """
    method = record["method"]
    tasks = [[task["name"], task["revision"], task["data_hash"]] for task in record["tasks"]]
    wrapper = {"wrapper": [method["wrapper"][key] for key in EXACT]} if method.get("wrapper") else {}
    return digest_of(
        {
            **wrapper,
            "protocol": record["protocol"],
            "suite": record["suite"]["digest"],
            "tasks": tasks,
            "model": record["model"]["digest"],
            "method": [method[key] for key in EXACT],
            "seed": record["seed"],
        }
    )


def outcome_digest(record: dict[str, Any]) -> str:
    """Hash of what two runs of one identity share: scores, curves, counters and final parameters.

    record: the JSON form. Wall time, memory and provenance differ between machines, and a record may lack the
    optional curves; these are left out. Scores of lm-eval's own tasks count where there are any.
    """
    ledger = {key: value for key, value in record["ledger"].items() if key not in MEASURED}
    curves = {key: value for key, value in record["curves"].items() if key not in OPTIONAL_CURVES}
    parts = [record["identity"], record["status"], record["tasks"], ledger, curves]
    if record.get("standard"):
        parts.append(record["standard"])
    return digest_of([*parts, record["model"]["final_digest"]])


def to_text(record: Record) -> str:
    """Canonical text of a record: sorted keys, one line per top-level key. UserError if it is too large."""
    data = record.model_dump(mode="json")

    for part, fields in LATER.items():
        for name, default in fields.items():
            holder = data[part] if part else data
            if holder[name] == default:
                del holder[name]

    lines = [
        f"{json.dumps(key)}: {json.dumps(data[key], sort_keys=True, separators=(',', ':'), allow_nan=False)}"
        for key in sorted(data)
    ]
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    if len(text.encode()) > MAX_BYTES:
        raise UserError(f"the record has {len(text.encode()):,} bytes, {MAX_BYTES:,} are allowed.")

    return text


def read(path: Path) -> Record:
    """The record in a file. UserError names the file, the field and the reason if it is not one, and the remedy."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise UserError(f"{path} has {size:,} bytes; a record has at most {MAX_BYTES:,}. {DAMAGED}")
        data = parsed_json(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}. {DAMAGED}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is not a record: {error}. {DAMAGED}") from None
    return parse(data, str(path))


def parsed_json(text: str) -> Any:
    """A JSON value. ValueError for a key that appears twice and a number that is not finite; RecursionError."""
    return json.loads(text, object_pairs_hook=_no_duplicates, parse_constant=_no_constant)


def read_document(path: Path, kind: type[Document], what: str, most: int = MAX_BYTES) -> Document:
    """A document of a kind that lies beside the records. UserError names the file, the field and the reason.

    what: its name in words, as in "a tuning"; most: bytes.
    """
    try:
        if (size := path.stat().st_size) > most:
            raise UserError(f"{path} has {size:,} bytes; a {what} has at most {most:,}.")

        return kind.model_validate(parsed_json(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise UserError(f"cannot read {path}: {error.strerror}.") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(map(str, first["loc"])) or "(whole)"
        raise UserError(f"{path}: field {field}: {first['msg']}.") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{path} is no {what}: {error}.") from None


def parse(data: Any, source: str) -> Record:
    """The record in a JSON value; `source` names it in errors."""
    version = data.get("schema_version") if isinstance(data, dict) else None
    if type(version) is not int or version != SCHEMA_VERSION:
        raise UserError(
            f"{source}: schema_version is {version!r}; this harness reads {SCHEMA_VERSION}. "
            "Update the harness if the record is newer."
        )
    try:
        return Record.model_validate(data)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(f"{source}: field {field or '(whole)'}: {first['msg']}. {DAMAGED}") from None


def write(path: Path, text: str) -> None:
    """Write a file atomically: a reader sees the old content or the new, also after a crash."""
    temporary = ""

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # In the same folder, because only a rename within one file system is atomic.
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except OSError as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        raise UserError(
            f"cannot write {path}: {error.strerror}. Nothing was changed; free space or choose another "
            "place with store=DIR, and run the same command again."
        ) from None


def record_path(root: Path, suite: str, method: str, seed: int) -> Path:
    """The place of a run's record."""
    return root / suite / method / f"{seed}.json"


def record_files(root: Path) -> Iterator[Path]:
    """All record files below a store, in a fixed order; withdrawals, temporary and hidden files are not records."""
    for path in sorted(root.glob("*/**/*.json")):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if not hidden and not path.name.endswith(WITHDRAWN):
            yield path


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not a number; every number must be finite")


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(found := dict(pairs)) != len(pairs):
        key, _ = Counter(key for key, _ in pairs).most_common(1)[0]
        raise ValueError(f"key {key!r} appears twice")
    return found
