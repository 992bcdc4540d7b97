"""Whether a micro-batch shares its prompts: only where the model honours the mask, and where it costs less.

Both forms give the same gradients to rounding, so that the choice is one of cost.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.models.sampler import forward_options, padded_left
from bench.training.packing import Group, log_probabilities, packed

KERNELS = ("sdpa", "eager")
"""Attention that takes a mask of who sees whom."""
EXACT, ROUGH = 1e-3, 0.2
"""How far log-probabilities of the two forms may differ in float32 and in bfloat16; a mask that is ignored moves them
by more."""


class Prefixes:
    """The choice for one model.

    asked: auto, shared or padded, as the suite says; coarse: whether the model computes in bfloat16.
    fault: why the model's prompts cannot be shared, '' if they can.
    """

    def __init__(self, model: PreTrainedModel, asked: str, padding: int, coarse: bool = False) -> None:
        self.asked = asked
        self.padding = padding
        self.device = model.device
        self.fault = "" if asked == "padded" else fault_of(model, padding, ROUGH if coarse else EXACT)
        self._weights, self._attention = _cost_of(model)

    @property
    def said(self) -> str:
        """What a record says of it."""
        return f"padded: {self.fault}" if self.fault else self.asked

    def wanted(self, groups: Sequence[Group]) -> bool:
        """Whether groups that go through the model together share their prompts."""
        if self.asked == "padded" or self.fault:
            return False
        if self.asked == "shared":
            return True
        return self.cost(*shared_size(groups)) < self.cost(*padded_size(groups))

    def cost(self, rows: int, width: int) -> float:
        """Multiplications of a forward pass over that many rows, about: those of weights and those of attention."""
        return rows * width * self._weights + rows * width**2 * self._attention


def shared_size(groups: Sequence[Group]) -> tuple[int, int]:
    """Rows and columns where prompts are shared."""
    longest = max(len(group.prompt) for group in groups)
    replies = max(sum(len(reply) - 1 for reply in group.replies) for group in groups)
    return len(groups), longest + replies


def padded_size(groups: Sequence[Group]) -> tuple[int, int]:
    """Rows and columns where each reply has a row of its own."""
    longest = max(len(group.prompt) for group in groups)
    replies = [len(reply) for group in groups for reply in group.replies]
    return len(replies), longest + max(replies)


def fault_of(model: PreTrainedModel, padding: int, tolerance: float = EXACT) -> str:
    """Why prompts cannot be shared, '' if they can: two small groups are computed in both forms and compared.

    tolerance: how far log-probabilities of the two may differ.
    """
    kernel = model.config._attn_implementation
    if kernel not in KERNELS:
        return f"attention by {kernel} takes no mask of who sees whom"
    if "position_ids" not in forward_options(model):
        return "the model takes no positions"

    groups = _example(model)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            shared = log_probabilities(model, packed(groups, padding, model.device), 1.0)
            alone = _alone(model, groups, padding)
    except (TypeError, ValueError, RuntimeError, IndexError) as error:
        return f"the model refuses the mask ({type(error).__name__})"
    finally:
        model.train(training)

    far = (shared - alone).abs().max().item()
    return "" if far <= tolerance else f"the model does not honour the mask (off by {far:.2g})"


def _example(model: PreTrainedModel) -> list[Group]:
    """Two groups of tokens, the same in every run."""
    size = model.get_input_embeddings().num_embeddings
    tokens = iter([(7 * number + 3) % size for number in range(40)])

    def take(count: int) -> list[int]:
        return [next(tokens) for _ in range(count)]

    return [Group(take(7), [take(4), take(2)]), Group(take(4), [take(3), take(5), take(1)])]


def _alone(model: PreTrainedModel, groups: Sequence[Group], padding: int) -> Tensor:
    """Log-probabilities of the reply tokens, [N, T], each reply in a row of its own."""
    rows = [group.prompt + reply for group in groups for reply in group.replies]
    lengths = [len(reply) for group in groups for reply in group.replies]
    tokens, mask = padded_left(rows, padding, model.device)
    positions = (mask.cumsum(dim=1) - 1).clamp(min=0)
    options: dict[str, Any] = {"position_ids": positions, "use_cache": False}

    logits = model(input_ids=tokens, attention_mask=mask, **options).logits[:, :-1].float()
    scores = logits.log_softmax(dim=-1).gather(-1, tokens[:, 1:, None])[:, :, 0]
    found: Tensor = scores.new_zeros(len(rows), max(lengths))
    for row, length in enumerate(lengths):
        found[row, :length] = scores[row, -length:]
    return found


def _cost_of(model: PreTrainedModel) -> tuple[int, int]:
    """Multiplications a token with weights, and a pair of tokens in attention."""
    config = model.config.get_text_config()
    embeddings = model.get_input_embeddings().weight.numel()
    weights = sum(parameter.numel() for parameter in model.parameters()) - embeddings
    return weights, 2 * config.hidden_size * config.num_hidden_layers
