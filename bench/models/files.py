"""Which files a base model is, and their digest; nothing heavy is loaded."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.places import CHECKOUT
from bench.records.store import digest_of
from bench.request.suite import ASSETS, EMBEDDED

DIGESTS = "DIGESTS.json"
KEPT = "balancebench.json"
"""In a checkpoint that `save_model` wrote: the base model, by the suite's name of it."""
PEFT = "adapter_config.json"
PIECE = 1 << 24


def model_digest(name: str, revision: str | None = None) -> str:
    """SHA-256 over the files of a base model.

    UserError if there is no such model, a file is missing, or an embedded model differs from its DIGESTS.json.
    """
    folder = model_folder(name, revision)
    if name in EMBEDDED:
        return _embedded_digest(name, folder)
    from bench.models.hub import files_of

    return digest_of({path.name: _file_digest(path, path.stat().st_mtime_ns) for path in files_of(folder)})


def model_folder(name: str, revision: str | None) -> Path:
    """Where the model's files are; they are fetched from the hub if `name` is an id there."""
    if name not in EMBEDDED:
        from bench.models.hub import checkpoint

        return checkpoint(name, revision)

    if revision:
        raise UserError(f"revision={revision} is a commit at the hub, and {name} is embedded here: say revision=none.")
    return ASSETS / name


def kept_base(folder: Path) -> str | None:
    """The base model of a checkpoint that `save_model` wrote; None for any other folder."""
    return _said(folder / KEPT).get("base")


def adapter_base(folder: Path) -> tuple[str, str | None] | None:
    """The base model of an adapter's folder and its revision; None for a folder that holds no adapter."""
    if not (folder / PEFT).is_file():
        return None
    adapter = _said(folder / PEFT)
    base = kept_base(folder) or adapter.get("base_model_name_or_path")
    if not isinstance(base, str):
        raise UserError(f"{folder / PEFT} names no base_model_name_or_path: say it there.")
    return base, None if base in EMBEDDED else adapter.get("revision")


def _said(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _embedded_digest(name: str, folder: Path) -> str:
    """The digest of an embedded model, each of whose files is held against the digest it was made with."""
    try:
        wanted = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        found = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in wanted}
    except (OSError, ValueError) as error:
        raise UserError(f"model {name!r}: {error}. {_remedy(folder)}") from None

    for file, digest in wanted.items():
        if found[file] != digest:
            raise UserError(
                f"model {name!r}: {folder / file} has SHA-256 {found[file][:12]}..., {DIGESTS} says "
                f"{digest[:12]}...: the file is damaged or was changed. {_remedy(folder)}"
            )
    return digest_of(wanted)


@cache
def _file_digest(path: Path, changed: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _remedy(folder: Path) -> str:
    return f"Restore it with `git checkout -- assets/{folder.name}`." if CHECKOUT else "Install balancebench again."
