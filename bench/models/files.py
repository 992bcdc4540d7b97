"""Which files a base model is, and their digest; nothing heavy is loaded."""

import hashlib
import json
from functools import cache
from pathlib import Path

from bench.errors import UserError
from bench.places import CHECKOUT
from bench.records.store import digest_of
from bench.request.suite import ASSETS, EMBEDDED

DIGESTS = "DIGESTS.json"
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
