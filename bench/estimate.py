"""What a run would do, spend and hold in memory, from its suite and the headers of its files; nothing heavy is loaded.

Counts that the recipe fixes are exact, the others are bounds. Memory is an estimate, of a device that trains: weights,
task gradients and Adam's moments are exact sums, activations and caches are rough (within a factor of two).
"""

import json
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.config import ROOT, Request, Suite
from bench.errors import UserError
from bench.records.schema import Budget

GIB = 2**30
PROMPT_TOKENS = 256
"""Of a prompt, where the tokenizer is not at hand."""
LIVE = 16
"""Activations of a layer that backward keeps, in hidden vectors a token: residuals, attention, and a gated network."""


@dataclass(frozen=True)
class Shape:
    """A model, from the headers of its files."""

    parameters: int
    linear: int
    """Sum of inputs and outputs of all its linear layers: what a rank costs in adapters."""
    layers: int
    hidden: int
    vocabulary: int
    keys: int
    """Numbers a token leaves in the cache of one layer: keys and values."""


@dataclass(frozen=True)
class Forecast:
    """What a run would do. counters: by name, how many, and whether that is exact or the most."""

    request: Request
    tasks: list[tuple[str, str]]
    """Each task, and what is known of its rows."""
    counters: list[tuple[str, int, str]]
    shape: Shape | None
    memory: list[tuple[str, float]]
    """Parts of a device's memory in bytes; empty if the model is not at hand."""


def forecast(request: Request, wants: frozenset[str], rows: list[tuple[str, str]]) -> Forecast:
    """What `request` would cost. wants: what its method and wrapper need beyond a plain step; rows: see `Forecast`."""
    shape = shape_of(request.suite)
    memory = list(parts_of_memory(request.suite, shape)) if shape else []
    return Forecast(request, rows, list(counters_of(request.suite, wants)), shape, memory)


def counters_of(suite: Suite, wants: frozenset[str]) -> Iterator[tuple[str, int, str]]:
    """The ledger's counters at the end of a run that uses up its steps, within the suite's budget."""
    recipe, tasks = suite.recipe, len(suite.tasks)
    prompts = recipe.steps * tasks * recipe.prompts_per_task
    sequences = prompts if suite.regime == "sft" else prompts * recipe.rollouts_per_prompt
    extra = "extra_backward" in wants or "extra_forward" in wants
    passes = "at least: the method makes extra passes" if extra else "exact"
    counts = {"steps": (recipe.steps, "exact"), "prompts": (prompts, "exact")}
    if suite.regime == "grpo":
        counts["rollouts"] = counts["reward_calls"] = (sequences, "exact")
        counts["sampled_tokens"] = (sequences * recipe.max_reply_tokens, "at most")
    counts["trained_tokens"] = (sequences * recipe.max_reply_tokens, "at most")
    counts["forward_passes"] = (sequences, passes if "validation_loss" not in wants else "at least: it validates")
    counts["backward_passes"] = (sequences, passes)
    for name, (count, how) in counts.items():
        limit = getattr(suite.budget, name, None) if name in Budget.model_fields else None
        yield (name, int(limit), "the budget ends the run") if limit and limit < count else (name, count, how)


def parts_of_memory(suite: Suite, shape: Shape) -> Iterator[tuple[str, float]]:
    """Bytes on one device, by what they are for."""
    recipe, tasks, adapters = suite.recipe, len(suite.tasks), suite.lora.r
    trained = adapters * shape.linear if adapters else shape.parameters
    stored = 2 if suite.dtype == "bf16" and adapters else 4
    yield "weights", shape.parameters * stored + (4 * trained if adapters else 0)
    yield f"gradients of {tasks} tasks, and the update", (tasks + 1) * 4 * trained
    yield "moments of AdamW", 2 * 4 * trained
    number = 2 if suite.dtype == "bf16" else 4
    length = PROMPT_TOKENS + recipe.max_reply_tokens
    group = recipe.prompts_per_task * (recipe.rollouts_per_prompt if suite.regime == "grpo" else 1)
    at_once = min(recipe.micro_batch, group)
    kept = 1 if suite.gradient_checkpointing else LIVE
    tokens = at_once * length
    yield "activations of a micro-batch", tokens * shape.hidden * number * (shape.layers * kept + LIVE)
    yield "logits of a micro-batch", at_once * recipe.max_reply_tokens * shape.vocabulary * (4 + number)
    if suite.regime == "grpo":
        rollouts = min(recipe.rollout_batch or group * tasks, group * tasks)
        yield "keys and values of rollouts", rollouts * length * shape.layers * shape.keys * number


def shape_of(suite: Suite) -> Shape | None:
    """The suite's model; None if it is a hub's that was never fetched and is not in PUBLISHED.

    UserError if the folder holds no checkpoint.
    """
    folder = local_folder(suite)
    if folder is None:
        return published_shape(suite.model)
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        sizes = [tuple(size) for path in sorted(folder.glob("*.safetensors")) for size in tensor_sizes(path)]
        return _shape(config, sizes)
    except (OSError, ValueError, KeyError, struct.error) as error:
        raise UserError(f"model {suite.model!r}: {folder} is no checkpoint that can be read: {error!r}.") from None


PUBLISHED = {
    # layers, hidden, heads, heads of keys and values, head, inner, vocabulary, tied embeddings, biases of queries etc.
    "Qwen/Qwen2.5-0.5B-Instruct": (24, 896, 14, 2, 64, 4864, 151936, True, True),
    "Qwen/Qwen2.5-3B-Instruct": (36, 2048, 16, 2, 128, 11008, 151936, True, True),
    "Qwen/Qwen2.5-7B-Instruct": (28, 3584, 28, 4, 128, 18944, 152064, False, True),
    "meta-llama/Llama-3.2-3B-Instruct": (28, 3072, 24, 8, 128, 8192, 128256, True, False),
}
"""The suites' models, from their published configurations: a dry run needs no download."""


def published_shape(model: str) -> Shape | None:
    """The shape of a model in PUBLISHED; None for another. Counts are those of its own files (a test adds them up)."""
    if model not in PUBLISHED:
        return None
    layers, hidden, heads, keys, head, inner, vocabulary, tied, biased = PUBLISHED[model]
    queries, cached = heads * head, keys * head
    matrices = [(hidden, queries), (hidden, cached), (hidden, cached), (queries, hidden)]
    matrices += [(hidden, inner), (hidden, inner), (inner, hidden)]
    layer = sum(a * b for a, b in matrices) + 2 * hidden + (queries + 2 * cached if biased else 0)
    embeddings = vocabulary * hidden * (1 if tied else 2)
    return Shape(
        parameters=layers * layer + embeddings + hidden,
        linear=layers * sum(a + b for a, b in matrices),
        layers=layers,
        hidden=hidden,
        vocabulary=vocabulary,
        keys=2 * cached,
    )


def _shape(config: dict[str, Any], sizes: list[tuple[int, ...]]) -> Shape:
    heads = config["num_attention_heads"]
    head = config.get("head_dim") or config["hidden_size"] // heads
    matrices = [size for size in sizes if len(size) == 2 and config["vocab_size"] not in size]
    return Shape(
        parameters=sum(_product(size) for size in sizes),
        linear=sum(sum(size) for size in matrices),
        layers=config["num_hidden_layers"],
        hidden=config["hidden_size"],
        vocabulary=config["vocab_size"],
        keys=2 * head * config.get("num_key_value_heads", heads),
    )


def local_folder(suite: Suite) -> Path | None:
    """Where the model's files are without asking a network."""
    if suite.model == "nano":
        return ROOT / "assets" / "nano"
    if Path(suite.model).expanduser().is_dir():
        return Path(suite.model).expanduser()
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(suite.model, "config.json", revision=suite.revision)
    except HFValidationError:
        raise UserError(f"no model {suite.model!r}: neither nano, nor a folder, nor a hub's id.") from None
    return Path(found).parent if isinstance(found, str) else None


def tensor_sizes(path: Path) -> Iterator[list[int]]:
    """Shapes of the tensors in a safetensors file, from its header alone."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(length))
    yield from (entry["shape"] for name, entry in header.items() if name != "__metadata__")


def _product(size: tuple[int, ...]) -> int:
    result = 1
    for side in size:
        result *= side
    return result
