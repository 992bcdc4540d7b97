"""What a model cannot do, by its configuration: read prompts that are too long, or keep a cache that can be copied.

A dry run reads the same configuration from the model's files, so that it says what the run would.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from bench.errors import UserError

POSITIONS = ("max_position_embeddings", "n_positions", "max_seq_len")
"""Names under which configurations say how many positions a model has."""
COPIED = frozenset({"full_attention", "sliding_attention"})
"""Kinds of layer whose cache can be repeated for the completions of a prompt."""
RECURRENT = frozenset(
    {"mamba", "mamba2", "falcon_mamba", "rwkv", "recurrent_gemma", "jamba", "bamba", "zamba", "zamba2"}
)
"""Kinds of model whose state is no list of keys and values."""


def positions_of(config: Mapping[str, Any]) -> int | None:
    """Tokens that a model was made to read at once; None if its configuration does not say."""
    named = (config.get(name) for name in POSITIONS)
    return next((count for count in named if isinstance(count, int) and count > 0), None)


def check_cache(config: Mapping[str, Any], model: str) -> None:
    """UserError if the model's cache cannot be repeated for the completions of a prompt."""
    odd = sorted(set(config.get("layer_types") or ()) - COPIED)
    kind = str(config.get("model_type", ""))
    if kind in RECURRENT or odd:
        raise UserError(
            f"model {model!r} keeps a state ({', '.join(odd) or kind}) that cannot be copied for the completions of a "
            "prompt. Choose a model whose layers are attention alone, or train by demonstrations in stock TRL."
        )


def check_prompt(tokens: int, task: str, most: int, config: Mapping[str, Any], model: str) -> None:
    """UserError if a prompt and a reply of `most` tokens do not fit the model's positions."""
    positions = positions_of(config)
    if positions is not None and tokens + most > positions:
        raise UserError(
            f"task {task!r} has a prompt of {tokens} tokens, and with a reply of up to {most} it does not fit the "
            f"{positions} positions of model {model!r}. Choose a smaller recipe.max_reply_tokens, another task, or a "
            "model that reads more."
        )


def suspects(prompts: Iterable[str], most: int, template: int, config: Mapping[str, Any]) -> list[str]:
    """Prompts that may be too long: a token has at least one byte, so that all others fit without being counted.

    template: tokens that a chat template adds.
    """
    positions = positions_of(config)
    if positions is None:
        return []
    return [prompt for prompt in prompts if len(prompt.encode()) + template + most > positions]
