"""Which files a base model is, and their digest; nothing heavy is loaded."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.models.fetched import fetch, is_here, place_of, sha256_of
from bench.places import CHECKOUT
from bench.records.store import digest_of
from bench.request.pinned import DIGESTS, pinned_digest
from bench.request.suite import ADAPTED, ASSETS, EMBEDDED, FETCHED, PINNED

KEPT = "balancebench.json"
"""In a checkpoint that `save_model` wrote: the base model, by the suite's name of it."""
PEFT = "adapter_config.json"


def model_digest(name: str, revision: str | None = None) -> str:
    """SHA-256 over the files of a base model.

    A pinned model that is to be fetched is not fetched for it. UserError if there is no such model, a file is
    missing, or a pinned model differs from its DIGESTS.json.
    """
    if name in PINNED:
        _check_revision(name, revision)
        return _pinned(name)

    from bench.models.hub import files_of

    folder = model_folder(name, revision)
    return digest_of({path.name: _file_digest(path, path.stat().st_mtime_ns) for path in files_of(folder)})


def model_folder(name: str, revision: str | None) -> Path:
    """Where the model's files are, or its base model's under an adapter of assets/; they are fetched if need be."""
    if name not in PINNED:
        from bench.models.hub import checkpoint

        return checkpoint(name, revision)

    _check_revision(name, revision)
    return ASSETS / name if name in EMBEDDED else fetch(ADAPTED.get(name, name))


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
    return base, None if base in PINNED else adapter.get("revision")


def _said(path: Path) -> dict[str, Any]:
    """The object in a JSON file; {} if there is none."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def folder_at_hand(name: str) -> Path | None:
    """The folder of a pinned model; None if it is to be fetched first."""
    if name in EMBEDDED:
        return ASSETS / name
    base = ADAPTED.get(name, name)
    return place_of(base) if is_here(base) else None


def _pinned(name: str) -> str:
    """The digest of a pinned model, whose files are compared where they are at hand."""
    if name in ADAPTED:
        compared(name, ASSETS / name, _remedy(name, ASSETS / name))
        _pinned(ADAPTED[name])
    elif folder := folder_at_hand(name):
        compared(name, folder, _remedy(name, folder))
    return pinned_digest(name)


def compared(name: str, folder: Path, remedy: str) -> None:
    """Hold each file of a pinned model against the digest that it was made with.

    UserError, which ends with `remedy`, if one is missing or differs.
    """
    try:
        wanted = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        found = {file: _file_digest(folder / file, (folder / file).stat().st_mtime_ns) for file in wanted}
    except (OSError, ValueError) as error:
        raise UserError(f"model {name!r}: {error}. {remedy}") from None

    for file, digest in wanted.items():
        if found[file] != digest:
            raise UserError(
                f"model {name!r}: {folder / file} has SHA-256 {found[file][:12]}..., {DIGESTS} says "
                f"{digest[:12]}...: the file is damaged or was changed. {remedy}"
            )


@cache
def _file_digest(path: Path, changed: int) -> str:
    return sha256_of(path)


def _check_revision(name: str, revision: str | None) -> None:
    if revision:
        raise UserError(f"revision={revision} is a commit at the hub, and {name} is pinned here: say revision=none.")


def _remedy(name: str, folder: Path) -> str:
    if name not in FETCHED:
        return f"Restore it with `git checkout -- assets/{folder.name}`." if CHECKOUT else "Install balancebench again."
    return f"Remove {folder}, then `bench fetch {name}`."
