"""Where a checkpoint's files are: in a folder, or fetched from a model hub."""

from functools import cache
from pathlib import Path

from huggingface_hub import HfApi, snapshot_download
from huggingface_hub.errors import (  # type: ignore[attr-defined] # HTTPError is its client's, whichever that is
    HFValidationError,
    HTTPError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
)

from bench.errors import UserError

FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""What of a checkpoint is read; weights are safetensors, because a pickle can run code."""
PICKLES = ("*.bin", "*.pt", "*.pth", "*.ckpt")
PATIENCE = 5.0
"""Seconds in which the hub must answer; it is asked twice."""
UNREACHED = (HTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError)
"""What can go wrong on the way to the hub, and in its cache."""


def checkpoint(name: str, revision: str | None) -> Path:
    """The folder of a checkpoint, fetched from the hub if `name` is an id there. UserError if there is none."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if revision:
            raise UserError(
                f"revision={revision} is a commit at the hub, and model={name} is a folder: say revision=none."
            )
        return folder.resolve()

    if folder.is_absolute() or name.count("/") != 1 or name[0] in ".~":
        raise UserError(
            f"no model {name!r}: it is neither nano2 nor nano, embedded here, nor smol or smollm2, nor a folder, nor a "
            "hub's id such as Qwen/Qwen2.5-0.5B-Instruct. Say model=nano2, or the folder of a checkpoint."
        )

    return _fetched(name, revision)


def files_of(folder: Path) -> list[Path]:
    """The files of a checkpoint that are read, sorted. UserError if weights or configuration are missing."""
    found = sorted(path for pattern in FILES for path in folder.glob(pattern) if not path.name.startswith("."))
    names = {path.name for path in found}

    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        pickles = sorted(path.name for pattern in PICKLES for path in folder.glob(pattern))
        refused = f" {', '.join(pickles)}: pickles are not read, they can run code." if pickles else ""
        raise UserError(
            f"{folder} is no checkpoint: config.json, a tokenizer and weights as .safetensors are needed; "
            f"found {', '.join(sorted(names)) or 'nothing of the kind'}.{refused}"
        )

    return found


@cache
def _fetched(name: str, revision: str | None) -> Path:
    """The folder of a checkpoint from the hub, or from its cache if the hub does not answer."""
    patterns = list(FILES)

    try:
        # asked first, because it alone gives up soon where nobody answers
        commit = HfApi().repo_info(name, revision=revision, timeout=PATIENCE).sha
        return Path(snapshot_download(name, revision=commit, allow_patterns=patterns))
    except UNREACHED as error:
        reason = type(error).__name__

    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=patterns, local_files_only=True))
    except UNREACHED:
        what = f"{name} at revision {revision}" if revision else name
        raise UserError(
            f"model {what} is not in the local cache and could not be fetched ({reason}). Fetch it where there is a "
            "network with `hf download`, copy the folder, and say model=FOLDER."
        ) from None
