"""Shared prefixes: a prompt and all replies to it as one row, so that the prompt is computed once.

A row is the prompt, then its replies one after the other. Each reply sees the prompt and itself, and its positions
follow the prompt's, so that every token has the logits that it would have in a row of its own. Prompts end in the same
column, and logits are computed from there on only.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel

from bench.models.sampler import Tokens, forward_options

PADDING = -1
PROMPT = 0
"""Segments of a row; its replies are 1, 2, ..."""


@dataclass(frozen=True, slots=True)
class Group:
    """A prompt and replies to it, as token ids."""

    prompt: Tokens
    replies: Sequence[Tokens]


@dataclass(frozen=True, slots=True)
class Packed:
    """Groups as rows, [B, W], and where the N replies' tokens are in them, [M] for M tokens in all.

    A reply's last token is predicted and never read, so that it is in no row.
    """

    tokens: Tensor
    positions: Tensor
    segments: Tensor
    first: int
    """Column of the prompts' last token: logits are needed from here on."""
    targets: Tensor
    """Token ids that are predicted, [M]."""
    rows: Tensor
    columns: Tensor
    """Where the token before each target stands, [M] each; columns count from `first`."""
    replies: Tensor
    places: Tensor
    """Which reply a target belongs to, and its place in it, [M] each."""
    count: int
    longest: int
    """Replies, and tokens of the longest one."""


def packed(groups: Sequence[Group], padding: int, device: torch.device) -> Packed:
    """The groups as rows. padding: any token id."""
    first = max(len(group.prompt) for group in groups) - 1
    rows = [_Row(group, first) for group in groups]
    replies = [reply for group in groups for reply in group.replies]
    lengths = [len(reply) for reply in replies]

    def joined(name: str, fill: int) -> Tensor:
        values = [torch.tensor(getattr(row, name)) for row in rows]
        return pad_sequence(values, batch_first=True, padding_value=fill).to(device)

    def flat(values: Sequence[int]) -> Tensor:
        return torch.tensor(values, device=device)

    return Packed(
        tokens=joined("tokens", 0).masked_fill(joined("segments", PADDING) == PADDING, padding),
        positions=joined("positions", 0),
        segments=joined("segments", PADDING),
        first=first,
        targets=flat(list(itertools.chain.from_iterable(replies))),
        rows=flat([place for place, row in enumerate(rows) for _ in row.columns]),
        columns=flat([column for row in rows for column in row.columns]),
        replies=flat([number for number, length in enumerate(lengths) for _ in range(length)]),
        places=flat([place for length in lengths for place in range(length)]),
        count=len(replies),
        longest=max(lengths),
    )


class _Row:
    """One group as a row. columns: of the token before each reply token, from the prompt's last one."""

    def __init__(self, group: Group, first: int) -> None:
        blank = first + 1 - len(group.prompt)
        self.tokens = [0] * blank + group.prompt
        self.positions = [0] * blank + list(range(len(group.prompt)))
        self.segments = [PADDING] * blank + [PROMPT] * len(group.prompt)
        self.columns: list[int] = []

        for number, reply in enumerate(group.replies, start=1):
            read = reply[:-1]
            begin = len(self.tokens) - first
            self.columns += [0, *range(begin, begin + len(read))]
            self.tokens += read
            self.positions += range(len(group.prompt), len(group.prompt) + len(read))
            self.segments += [number] * len(read)


def log_probabilities(model: PreTrainedModel, batch: Packed, temperature: float) -> Tensor:
    """Log-probability of every reply token, [N, T] float32, 0 beyond a reply's end."""
    options: dict[str, Any] = {"use_cache": False}
    kept = batch.tokens.shape[1] - batch.first
    if "logits_to_keep" in forward_options(model):
        options["logits_to_keep"] = kept

    masks = attention_masks(model, batch)
    output = model(input_ids=batch.tokens, attention_mask=masks, position_ids=batch.positions, **options)
    logits = output.logits[:, -kept:].float() / temperature

    chosen = logits[batch.rows, batch.columns, batch.targets]
    found = chosen - logits.logsumexp(dim=-1)[batch.rows, batch.columns]
    blank = found.new_zeros(batch.count, batch.longest)
    result: Tensor = blank.index_put((batch.replies, batch.places), found)
    return result


def attention_masks(model: PreTrainedModel, batch: Packed) -> Any:
    """Which position sees which, in the form that the model takes: one mask [B, 1, W, W], or one a kind of layer."""
    config = model.config.get_text_config()
    window = getattr(config, "sliding_window", None)
    kinds = set(getattr(config, "layer_types", None) or ())
    if not kinds:
        kinds = {"sliding_attention" if window else "full_attention"}

    masks = {kind: _mask(model, batch, window if kind == "sliding_attention" else None) for kind in kinds}
    return masks if len(masks) > 1 else next(iter(masks.values()))


def _mask(model: PreTrainedModel, batch: Packed, window: int | None) -> Tensor:
    asks, answers = batch.segments[:, :, None], batch.segments[:, None, :]
    seen = (answers == asks) | (answers == PROMPT)
    seen &= torch.ones_like(seen[0]).tril()
    if window:
        seen &= batch.positions[:, :, None] - batch.positions[:, None, :] < window
    seen |= torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)  # padding sees itself, or softmax is NaN

    if model.config._attn_implementation != "eager":
        return seen[:, None]
    dtype = next(model.parameters()).dtype
    return torch.zeros(seen[:, None].shape, dtype=dtype, device=seen.device).masked_fill(
        ~seen[:, None], torch.finfo(dtype).min
    )
