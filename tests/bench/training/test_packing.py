"""Shared prefixes are exact: log-probabilities and gradients are those of a row a reply, for every family."""

from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import PreTrainedModel

from bench.models.sampler import padded_left
from bench.training.packing import Group, log_probabilities, packed
from bench.training.prefixes import Prefixes, fault_of, padded_size, shared_size

FAMILIES = (
    "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "llama", "mistral", "mixtral", "opt", "phi3", "qwen2",
    "qwen2_moe", "qwen3",
)  # fmt: skip
CPU = torch.device("cpu")
TEMPERATURE = 0.7


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def groups(seed: int = 0) -> list[Group]:
    """Three groups of unequal prompts, of one to four replies of one to eight tokens."""
    generator = torch.Generator().manual_seed(seed)

    def tokens(count: int) -> list[int]:
        return torch.randint(3, 61, (count,), generator=generator).tolist()

    lengths = [(9, (5, 1, 7, 3)), (3, (2, 8)), (14, (4,))]
    return [Group(tokens(prompt), [tokens(reply) for reply in replies]) for prompt, replies in lengths]


def one_row_a_reply(model: PreTrainedModel, given: list[Group]) -> Tensor:
    """Log-probabilities [N, T] by plain padding."""
    rows = [(group.prompt, reply) for group in given for reply in group.replies]
    width = max(len(reply) for _, reply in rows)
    prompts, mask = padded_left([prompt for prompt, _ in rows], 0, CPU)
    replies = torch.tensor([reply + [0] * (width - len(reply)) for _, reply in rows])
    there = torch.tensor([[1] * len(reply) + [0] * (width - len(reply)) for _, reply in rows])
    both = torch.cat([mask, there], dim=1)
    logits = model(
        input_ids=torch.cat([prompts, replies], dim=1),
        attention_mask=both,
        position_ids=(both.cumsum(dim=1) - 1).clamp(min=0),
        use_cache=False,
    ).logits[:, prompts.shape[1] - 1 : -1]
    scores = (logits.float() / TEMPERATURE).log_softmax(dim=-1).gather(-1, replies[..., None])[..., 0]
    return scores * there


def gradient(model: PreTrainedModel, scores: Tensor) -> Tensor:
    """Of a loss that weights every token differently, [P]."""
    weights = torch.sin(torch.arange(scores.numel()).float()).view_as(scores) * (scores != 0)
    model.zero_grad()
    (scores * weights).sum().backward()
    return torch.cat([one.grad.flatten() for one in model.parameters() if one.grad is not None])


@pytest.mark.parametrize("kernel", ["sdpa", "eager"])
@pytest.mark.parametrize("family", FAMILIES)
def test_shared_rows_have_the_gradients_of_a_row_a_reply(families: ModuleType, family: str, kernel: str):
    if (family, kernel) == ("gemma2", "sdpa"):
        kernel = "eager"  # the family has no other
    model = families.tiny_model(family)
    model.set_attn_implementation(kernel)
    shared = log_probabilities(model, packed(groups(), 0, CPU), TEMPERATURE)
    alone = one_row_a_reply(model, groups())
    torch.testing.assert_close(shared, alone, atol=2e-5, rtol=1e-5)
    wanted = gradient(model, alone)
    assert ((gradient(model, shared) - wanted).norm() / wanted.norm()).item() < 1e-5


@pytest.mark.parametrize("kind", ["adapters", "checkpointing"])
def test_they_have_under_adapters_and_with_recomputed_activations(families: ModuleType, kind: str):
    from bench.models.trainable import with_adapters
    from bench.request.suite import Lora

    model: Any = families.tiny_model("llama")
    if kind == "adapters":
        model = with_adapters(model, Lora(r=2), 0)
        for name, parameter in model.named_parameters():
            if "lora_B" in name:  # zero at the start, which would hide half of the gradient
                torch.nn.init.normal_(parameter, std=0.1, generator=torch.Generator().manual_seed(0))
    else:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.train()
    shared = log_probabilities(model, packed(groups(), 0, CPU), TEMPERATURE)
    wanted = gradient(model, one_row_a_reply(model, groups()))
    assert ((gradient(model, shared) - wanted).norm() / wanted.norm()).item() < 1e-5


def test_a_row_is_the_prompt_and_what_is_read_of_the_replies():
    batch = packed([Group([7, 8], [[1, 2, 3], [4]]), Group([9], [[5, 6]])], 0, CPU)
    assert batch.tokens.tolist() == [[7, 8, 1, 2], [0, 9, 5, 0]]
    assert batch.segments.tolist() == [[0, 0, 1, 1], [-1, 0, 1, -1]]
    assert batch.positions.tolist() == [[0, 1, 2, 3], [0, 0, 1, 0]]
    assert batch.targets.tolist() == [1, 2, 3, 4, 5, 6]
    assert batch.rows.tolist() == [0, 0, 0, 0, 1, 1]
    assert batch.columns.tolist() == [0, 1, 2, 0, 0, 1], "the first token of a reply follows the prompt's last"
    assert (batch.replies.tolist(), batch.places.tolist()) == ([0, 0, 0, 1, 2, 2], [0, 1, 2, 0, 0, 1])


@pytest.mark.parametrize("family", FAMILIES)
def test_every_family_honours_the_mask(families: ModuleType, family: str):
    assert fault_of(families.tiny_model(family), 0) == ""


def test_a_model_that_ignores_the_mask_is_found_and_padded(families: ModuleType):
    model = families.tiny_model("llama")
    forward = model.forward

    def deaf(input_ids: Tensor, attention_mask: Any = None, position_ids: Any = None, **others: Any) -> Any:
        mask = attention_mask if attention_mask is not None and attention_mask.ndim == 2 else None
        return forward(input_ids=input_ids, attention_mask=mask, position_ids=position_ids, **others)

    model.forward = deaf
    prefixes = Prefixes(model, "auto", 0)
    assert "does not honour the mask" in prefixes.fault
    assert not prefixes.wanted(groups())
    assert prefixes.said.startswith("padded: the model does not honour the mask")


def test_a_kernel_without_masks_is_padded(families: ModuleType):
    model = families.tiny_model("llama")
    model.config._attn_implementation = "flash_attention_2"
    assert "flash_attention_2 takes no mask" in Prefixes(model, "shared", 0).fault


def test_auto_shares_where_that_costs_less(families: ModuleType):
    """Long prompts with short replies share; a prompt of two tokens with eight long replies does not."""
    model = families.tiny_model("llama")
    prefixes = Prefixes(model, "auto", 0)
    long_prompt = [Group([5] * 60, [[6] * 4] * 8)]
    long_replies = [Group([5] * 2, [[6] * 250] * 8)]
    assert (shared_size(long_prompt), padded_size(long_prompt)) == ((1, 84), (8, 64))
    assert prefixes.wanted(long_prompt)
    assert not prefixes.wanted(long_replies)
    assert Prefixes(model, "shared", 0).wanted(long_replies)
    assert not Prefixes(model, "padded", 0).wanted(long_prompt)
