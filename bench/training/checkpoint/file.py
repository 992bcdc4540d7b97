"""A checkpoint's file: tensors as safetensors, the rest as JSON in its header, and a digest over both.

It is written whole or not at all, and what was damaged or comes from another run is not read.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from bench.training.checkpoint.tree import Tensors, flatten, rebuild

FORMAT = "balancebench checkpoint 1"


class Unusable(Exception):
    """A file that cannot be continued from; the message says why."""


def write_part(part: Path, key: Mapping[str, Any], value: Any) -> None:
    """Write a file and force it to the disk. OSError; Unsaveable.

    part: in a folder of its own, which is emptied first: safetensors writes beside the file, under names of chance,
    and a process that is killed leaves that; key: what must be the same when it is read; JSON; value: see
    `bench.training.checkpoint.tree`.
    """
    found = Tensors()
    tree = json.dumps(flatten(value, found), separators=(",", ":"))
    tensors = {name: tensor.cpu() for name, tensor in found.items()}

    stamp = json.dumps(key, sort_keys=True)
    header = {"format": FORMAT, "key": stamp, "tree": tree, "digest": digest(stamp, tree, tensors)}

    shutil.rmtree(part.parent, ignore_errors=True)
    part.parent.mkdir(parents=True)

    try:
        save_file(tensors, part, header)
    except SafetensorError as error:
        raise OSError(str(error)) from None

    # else a rename that follows may reach the disk before what was written does
    with part.open("rb") as file:
        os.fsync(file.fileno())


def read(path: Path, key: Mapping[str, Any]) -> Any:
    """The value in a file. Unusable if it is damaged, or was written under another key."""
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except (OSError, SafetensorError):
        raise Unusable("it cannot be read") from None

    if header.get("format") != FORMAT:
        raise Unusable("it is of another format")

    stamp = header.get("key", "")
    tree = header.get("tree", "")
    if header.get("digest") != digest(stamp, tree, tensors):
        raise Unusable("it is damaged")

    found = json.loads(stamp)
    if differing := sorted(name for name in {*key, *found} if key.get(name) != found.get(name)):
        raise Unusable(f"it was made with another {', '.join(differing)}")

    try:
        return rebuild(json.loads(tree), tensors)
    except (ValueError, TypeError, LookupError) as error:
        raise Unusable(f"it does not fit this code: {error}") from None


def digest(key: str, tree: str, tensors: Mapping[str, Tensor]) -> str:
    """SHA-256 over everything that a checkpoint says."""
    found = hashlib.sha256(json.dumps([key, tree]).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data)
    return found.hexdigest()
