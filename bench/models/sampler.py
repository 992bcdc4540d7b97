"""Replies of a causal language model, sampled from its whole distribution with noise that is fixed beforehand.

A prompt is computed once, whatever the number of its replies; a batch ends with its own longest reply, and finished
replies leave it. Only the temperature acts: no setting of the checkpoint's `generation_config.json` is looked at.
"""

import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from bench.models.noise import gumbels

Tokens = list[int]
LEAVE = 8
"""Replies leave the batch when one in this many is finished: a departure copies the cache of those that stay."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """Replies in the order of prompts and copies, their ends included; computed: tokens through the model."""

    replies: list[Tokens]
    computed: int


class Sampler:
    """Samples replies to prompts that are given as token ids.

    ends: tokens that end a reply; padding: any token id; temperature: above 0, or 0 for the likeliest token;
    most: tokens of a reply, its end included.
    """

    def __init__(
        self, model: PreTrainedModel, ends: Sequence[int], padding: int, temperature: float, most: int
    ) -> None:
        self.model = model
        self.padding = padding
        self.temperature = temperature
        self.most = most
        self.ends = torch.tensor(list(ends), device=model.device)
        self._options = forward_options(model)

    def sample(self, prompts: Sequence[Tokens], keys: Tensor) -> Sampled:
        """Replies to each prompt. keys: of each reply's noise, [prompts, copies] int64; see `bench.models.noise`."""
        with as_it_answers(self.model):
            state = self._read(prompts, keys.shape[1])
            return self._write(state, keys.flatten().to(self.model.device))

    def _read(self, prompts: Sequence[Tokens], copies: int) -> "_State":
        """The prompts, computed once and then copied."""
        tokens, mask = padded_left(prompts, self.padding, self.model.device)
        positions = (mask.cumsum(dim=1) - 1).clamp(min=0)

        cache = DynamicCache(config=self.model.config)
        last = self._logits(tokens, mask, positions, cache)
        cache.batch_repeat_interleave(copies)
        return _State(
            cache=cache,
            logits=last.repeat_interleave(copies, dim=0),
            mask=mask.repeat_interleave(copies, dim=0),
            positions=positions[:, -1:].repeat_interleave(copies, dim=0),
            computed=tokens.numel(),
        )

    def _write(self, state: "_State", keys: Tensor) -> Sampled:
        """The replies, token by token."""
        total = len(keys)
        replies = torch.full((total, self.most), self.padding, device=keys.device)
        lengths = torch.full((total,), self.most, device=keys.device)
        alive = torch.arange(total, device=keys.device)
        writing = torch.ones(total, dtype=torch.bool, device=keys.device)

        for place in range(self.most):
            token = draw(state.logits, keys[alive], place, self.temperature)
            replies[alive[writing], place] = token[writing]
            ended = torch.isin(token, self.ends) & writing
            lengths[alive[ended]] = place + 1
            writing &= ~ended
            if place + 1 == self.most or not writing.any():
                break

            if (~writing).sum() * LEAVE >= len(writing):
                state.keep(writing)
                alive, token, writing = alive[writing], token[writing], writing[writing]
            self._advance(state, token)

        sampled = zip(replies.tolist(), lengths.tolist(), strict=True)
        return Sampled([tokens[:length] for tokens, length in sampled], state.computed)

    def _advance(self, state: "_State", token: Tensor) -> None:
        """Send one more token of each reply through the model."""
        state.positions = state.positions + 1
        state.mask = torch.cat([state.mask, state.mask.new_ones(len(token), 1)], dim=1)
        state.logits = self._logits(token[:, None], state.mask, state.positions, state.cache)
        state.computed += len(token)

    def _logits(self, tokens: Tensor, mask: Tensor, positions: Tensor, cache: Any) -> Tensor:
        """Logits behind the last token, [n, V]."""
        options: dict[str, Any] = {"past_key_values": cache, "use_cache": True}
        if "position_ids" in self._options:
            options["position_ids"] = positions
        if "logits_to_keep" in self._options:
            options["logits_to_keep"] = 1

        logits: Tensor = self.model(input_ids=tokens, attention_mask=mask, **options).logits
        return logits[:, -1]


@dataclass(slots=True)
class _State:
    """What the next tokens of the replies in the batch depend on; computed: tokens through the model so far."""

    cache: Any
    logits: Tensor
    mask: Tensor
    positions: Tensor
    computed: int

    def keep(self, chosen: Tensor) -> None:
        """Let the others go. chosen: [n] bool."""
        self.cache.batch_select_indices(chosen.nonzero()[:, 0])
        self.mask = self.mask[chosen]
        self.positions = self.positions[chosen]


def draw(logits: Tensor, keys: Tensor, position: int, temperature: float) -> Tensor:
    """A token a row, [n], from softmax(logits / temperature), [n, V]: the largest logit with the noise of its reply.

    keys: [n] int64; position: of the token in its reply.
    """
    if temperature == 0:
        return logits.argmax(dim=-1)
    noise = gumbels(keys, position, logits.shape[-1])
    return (logits.float() / temperature + noise).argmax(dim=-1)


def alike(lengths: Sequence[int], most: int) -> list[list[int]]:
    """Places of prompts that are sampled together, at most `most`: the longest has at most twice the shortest's tokens.

    Every batch ends with its last reply, so that few batches are cheap; but padding within one costs memory and time.
    """
    batches: list[list[int]] = []

    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        current = batches[-1] if batches else []
        longest = lengths[current[0]] if current else 0
        if not current or len(current) == most or longest > 2 * lengths[place]:
            batches.append([place])
        else:
            current.append(place)
    return batches


def padded_left(rows: Sequence[Tokens], padding: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids and mask, [n, T], that end in the same column."""
    width = max(map(len, rows))
    tokens = torch.tensor([[padding] * (width - len(row)) + row for row in rows], device=device)
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in rows], device=device)
    return tokens, mask


def forward_options(model: PreTrainedModel) -> frozenset[str]:
    """Names that the model's forward pass takes, that below adapters included."""
    base: Any = model.get_base_model() if hasattr(model, "get_base_model") else model
    return frozenset(inspect.signature(type(base).forward).parameters)


@contextmanager
def as_it_answers(model: PreTrainedModel) -> Iterator[None]:
    """The model in evaluation mode and without gradients; afterwards its modes are as before."""
    modes = {module: module.training for module in model.modules()}
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes.items():
            module.training = training
