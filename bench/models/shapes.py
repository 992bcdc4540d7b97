"""The size of a model, from the headers of its files or its published configuration; no weight is read."""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.models.files import folder_at_hand
from bench.request.suite import PINNED, Suite

Tensors = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Shape:
    """The size of a decoder."""

    parameters: int
    linear: int
    """Sum of inputs and outputs of all its linear layers but the last: what a rank costs in adapters."""
    layers: int
    hidden: int
    vocabulary: int
    keys: int
    """Numbers that a token leaves in the cache of one layer: keys and values."""
    inner: int
    """Width of a feed-forward network."""


PUBLISHED = {
    # layers, hidden, heads, heads of keys and values, head, inner, vocabulary, tied embeddings, biases of queries etc.
    "Qwen/Qwen2.5-0.5B-Instruct": (24, 896, 14, 2, 64, 4864, 151936, True, True),
    "Qwen/Qwen2.5-3B-Instruct": (36, 2048, 16, 2, 128, 11008, 151936, True, True),
    "Qwen/Qwen2.5-7B-Instruct": (28, 3584, 28, 4, 128, 18944, 152064, False, True),
    "meta-llama/Llama-3.2-3B-Instruct": (28, 3072, 24, 8, 128, 8192, 128256, True, False),
    **dict.fromkeys(("smollm2", "smol"), (30, 576, 9, 3, 64, 1536, 49152, True, False)),
}
"""The suites' models, from their published configurations: a dry run needs no download."""


def shape_of(suite: Suite) -> Shape | None:
    """The suite's model; None if its files are not at hand and it is not in PUBLISHED, or if it is of an unknown kind.

    UserError if the files that are at hand are no checkpoint.
    """
    folder = folder_of(suite)
    if folder is None:
        return published_shape(suite.model)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        found = [pair for path in sorted(folder.glob("*.safetensors")) for pair in tensors(path)]
        return _shape(config, dict(found))
    except (OSError, ValueError, AttributeError, TypeError, struct.error) as error:
        raise UserError(
            f"model {suite.model!r}: {folder} holds no checkpoint that can be read ({_said(error)}). Copy it again."
        ) from None


def folder_of(suite: Suite) -> Path | None:
    """Where the model's files are without asking a network; None if they are not at hand."""
    if suite.model in PINNED:
        return folder_at_hand(suite.model)
    if Path(suite.model).expanduser().is_dir():
        return Path(suite.model).expanduser()

    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(suite.model, "config.json", revision=suite.revision)
    except HFValidationError:
        raise UserError(
            f"no model {suite.model!r}: neither {' nor '.join(PINNED)}, nor a folder, nor a hub's id."
        ) from None

    folder = Path(found).parent if isinstance(found, str) else None
    return folder if folder and any(folder.glob("*.safetensors")) else None


def published_shape(model: str) -> Shape | None:
    """The shape of a model in PUBLISHED; None for another. Its parameters are those of its own files."""
    if model not in PUBLISHED:
        return None

    layers, hidden, heads, keys, head, inner, vocabulary, tied, biased = PUBLISHED[model]
    queries = heads * head
    cached = keys * head

    # attention: queries, keys, values, output; then the feed-forward network: gate, up, down
    matrices = [(hidden, queries), (hidden, cached), (hidden, cached), (queries, hidden)]
    matrices += [(hidden, inner), (hidden, inner), (inner, hidden)]

    # a layer has two norms, the model one more behind its last layer
    layer = sum(a * b for a, b in matrices) + 2 * hidden + (queries + 2 * cached if biased else 0)
    embeddings = vocabulary * hidden * (1 if tied else 2)

    return Shape(
        parameters=layers * layer + embeddings + hidden,
        linear=layers * sum(a + b for a, b in matrices),
        layers=layers,
        hidden=hidden,
        vocabulary=vocabulary,
        keys=2 * cached,
        inner=inner,
    )


NAMES = ("num_attention_heads", "hidden_size", "num_hidden_layers", "vocab_size", "intermediate_size")
"""What a configuration must say for its kind to be known."""


def _shape(config: Any, found: Tensors) -> Shape | None:
    if not isinstance(config, dict):
        raise TypeError("config.json is no mapping")
    if not found:
        raise ValueError("no .safetensors file with weights")
    if any(name not in config for name in NAMES):
        return None

    heads, hidden, layers, vocabulary, inner = (config[name] for name in NAMES)
    head = config.get("head_dim") or hidden // heads
    matrices = [size for name, size in found.items() if len(size) == 2 and not _embeds(name)]

    return Shape(
        parameters=sum(prod(size) for size in found.values()),
        linear=sum(sum(size) for size in matrices),
        layers=layers,
        hidden=hidden,
        vocabulary=vocabulary,
        keys=2 * head * config.get("num_key_value_heads", heads),
        inner=inner,
    )


def _embeds(name: str) -> bool:
    return "embed" in name or "lm_head" in name


def tensors(path: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes of the tensors in a safetensors file, from its header alone. ValueError, struct.error."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > path.stat().st_size:
            raise ValueError(f"{path.name} is cut short")
        header = json.loads(file.read(length))
    yield from ((name, tuple(entry["shape"])) for name, entry in header.items() if name != "__metadata__")


def _said(error: Exception) -> str:
    return str(error).splitlines()[0] if str(error) else type(error).__name__
