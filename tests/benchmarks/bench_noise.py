"""How often two nearly equal models draw different tokens with the same noise: by one uniform number, and by token.

The second model is nano with a hundredth of each tensor's deviation added. No coupling can draw different tokens less
often than the total variation of the two distributions.
"""

import torch
from torch import Tensor

from bench.models.base import load_model
from bench.models.noise import gumbels, key_of
from bench.models.prompts import encoded
from bench.models.sampler import padded_left
from bench.request.suite import load_suite
from tasks._registry import get_task

ROWS, PLACES, DRAWS = 200, 4, 50
"""Rows of each task, last places of prompt and answer that are drawn from, and draws at each."""


def chances_of(model: torch.nn.Module, tokens: Tensor, mask: Tensor) -> Tensor:
    """Distributions of the next token at the last places, [n, V] float64."""
    with torch.no_grad():
        logits = model(input_ids=tokens, attention_mask=mask).logits[:, -PLACES:]
    return logits.flatten(0, 1).double().softmax(dim=-1)


def test_noise() -> None:
    torch.set_num_threads(1)
    suite = load_suite("nano-v1")
    (one, tokenizer), (other, _) = load_model(suite), load_model(suite)
    generator = torch.Generator().manual_seed(0)
    for parameter in other.parameters():
        parameter.data += torch.randn(parameter.shape, generator=generator) * parameter.data.std() * 0.01

    for name in suite.tasks:
        rows = get_task(name).rows("heldout", ROWS)
        texts = [encoded(tokenizer, row.prompt) + tokenizer(row.answer)["input_ids"] for row in rows]
        tokens, mask = padded_left(texts, tokenizer.pad_token_id, torch.device("cpu"))
        first, second = chances_of(one, tokens, mask), chances_of(other, tokens, mask)

        uniform = by_token = 0.0
        for turn in range(DRAWS):
            keys = torch.tensor([key_of("bench", turn, place) for place in range(len(first))])
            noise = gumbels(keys, 0, first.shape[1])
            numbers = (-(-noise[:, :1].double()).exp()).exp()  # the same generator's uniform numbers, one a place
            drawn = [torch.searchsorted(each.cumsum(dim=-1), numbers) for each in (first, second)]
            uniform += (drawn[0] != drawn[1]).double().mean().item() / DRAWS
            picked = [(each.log() + noise).argmax(dim=-1) for each in (first, second)]
            by_token += (picked[0] != picked[1]).double().mean().item() / DRAWS

        variation = (first - second).abs().sum(dim=-1).mean().item() / 2
        print(f"\n{name}: total variation {variation:.4f}, one uniform {uniform:.4f}, by token {by_token:.4f}", end="")
