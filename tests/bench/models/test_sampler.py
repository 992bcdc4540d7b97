"""The sampler: `generate`'s replies where they are determined, the softmax's frequencies where they are not."""

from types import ModuleType
from typing import Any

import pytest
import torch
from scipy.stats import chisquare
from torch import Tensor
from transformers import GenerationConfig, PreTrainedModel

from bench.models.noise import key_of
from bench.models.sampler import Sampler, alike, draw

FAMILIES = (
    "gemma", "gemma2", "gemma3_text", "gpt2", "gpt_neox", "llama", "mistral", "mixtral", "opt", "phi3", "qwen2",
    "qwen2_moe", "qwen3",
)  # fmt: skip
PROMPTS = [[5, 6, 7, 8, 9, 10, 11, 12, 13], [20, 21, 22], [30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41]]
END, PADDING, MOST = 2, 0, 12


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def greedy(model: PreTrainedModel, prompt: list[int]) -> list[int]:
    """The reply of transformers' own generation, which looks at the model's generation config as well."""
    config = GenerationConfig(do_sample=False, max_new_tokens=MOST, eos_token_id=[END], pad_token_id=PADDING)
    ids = torch.tensor([prompt])
    found = model.generate(input_ids=ids, attention_mask=torch.ones_like(ids), generation_config=config)
    return list(found[0, len(prompt) :].tolist())


def test_every_family_is_tried(families: ModuleType):
    assert sorted(families.FAMILIES) == list(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_greedy_replies_are_those_of_generate(families: ModuleType, family: str):
    """For prompts of several lengths in one batch, two copies each, some of which end early."""
    model = families.tiny_model(family)
    sampler = Sampler(model, [END], PADDING, 0.0, MOST)
    found = sampler.sample(PROMPTS, torch.zeros(3, 2, dtype=torch.int64))
    wanted = [greedy(model, prompt) for prompt in PROMPTS]
    assert found.replies == [reply for reply in wanted for _ in range(2)]


def test_greedy_replies_hold_under_adapters_and_in_bfloat16(families: ModuleType):
    from bench.models.trainable import in_bfloat16, with_adapters
    from bench.request.suite import Lora

    model = in_bfloat16(with_adapters(families.tiny_model("qwen2"), Lora(r=2), 0))
    found = Sampler(model, [END], PADDING, 0.0, MOST).sample(PROMPTS, torch.zeros(3, 1, dtype=torch.int64))
    assert [reply[0] for reply in found.replies] == [greedy(model, prompt)[0] for prompt in PROMPTS]


@pytest.mark.parametrize("temperature", [0.7, 1.0, 2.0])
def test_frequencies_are_the_softmax(temperature: float):
    """20,000 draws over 12 tokens; the chi-square test at one in ten thousand, with numbers fixed in advance."""
    logits = torch.linspace(-2, 2, 12)[torch.randperm(12, generator=torch.Generator().manual_seed(0))]
    keys = torch.tensor([key_of("chi-square", temperature, number) for number in range(20_000)])
    tokens = draw(logits.expand(20_000, -1), keys, 3, temperature)
    expected = torch.softmax(logits.double() / temperature, -1) * 20_000
    assert chisquare(torch.bincount(tokens, minlength=12).double(), expected).pvalue > 1e-4


def test_a_token_of_chance_0_is_never_drawn():
    logits = torch.tensor([0.25, 0.0, 0.5, 0.25]).log().expand(5_000, -1)
    keys = torch.tensor([key_of("never", number) for number in range(5_000)])
    assert set(draw(logits, keys, 0, 1.0).tolist()) == {0, 2, 3}


def test_distributions_that_differ_little_seldom_give_different_tokens():
    """With the same noise: below twice their total variation, where independent draws differ nearly always."""
    generator = torch.Generator().manual_seed(0)
    one = torch.randn(4_000, 30, generator=generator)
    other = one + 0.05 * torch.randn(4_000, 30, generator=generator)
    keys = torch.tensor([key_of("coupled", number) for number in range(4_000)])
    apart = (draw(one, keys, 0, 1.0) != draw(other, keys, 0, 1.0)).double().mean()
    variation = (one.softmax(-1) - other.softmax(-1)).abs().sum(-1).mean() / 2
    assert variation / 2 < apart < 2 * variation


def sampled(model: PreTrainedModel, prompts: list[list[int]], keys: Tensor, **options: Any) -> list[list[int]]:
    return Sampler(model, [END], PADDING, options.get("temperature", 1.0), MOST).sample(prompts, keys).replies


def noise(places: list[int], copies: int = 3) -> Tensor:
    return torch.tensor([[key_of("test", place, copy) for copy in range(copies)] for place in places])


def test_a_reply_does_not_depend_on_what_is_sampled_with_it(families: ModuleType):
    """The noise belongs to the prompt: other prompts, another order or a lone batch change nothing."""
    model = families.tiny_model("qwen2")
    together = sampled(model, PROMPTS, noise([0, 1, 2]))
    backwards = sampled(model, PROMPTS[::-1], noise([2, 1, 0]))
    assert backwards == together[6:] + together[3:6] + together[:3]
    assert sampled(model, PROMPTS[1:2], noise([1])) == together[3:6]
    assert len({tuple(reply) for reply in together}) > 3, "copies meet different noise"


def test_no_setting_of_the_checkpoint_acts(families: ModuleType):
    """What a `generation_config.json` may hold beside the tokens that end a reply."""
    model = families.tiny_model("llama")
    before = sampled(model, PROMPTS, noise([0, 1, 2]))
    model.generation_config = GenerationConfig(
        num_beams=3, min_p=0.3, typical_p=0.5, epsilon_cutoff=0.1, no_repeat_ngram_size=1, min_new_tokens=10,
        suppress_tokens=[3, 4, 5], bad_words_ids=[[6]], sequence_bias=[[[7], 50.0]], temperature=0.1, top_k=2,
        exponential_decay_length_penalty=(1, 5.0), repetition_penalty=3.0, forced_eos_token_id=9, top_p=0.1,
    )  # fmt: skip
    assert sampled(model, PROMPTS, noise([0, 1, 2])) == before


def test_a_reply_ends_with_its_end_or_where_it_is_cut(families: ModuleType):
    model = families.tiny_model("qwen3")
    for reply in sampled(model, PROMPTS, noise([0, 1, 2], copies=20), temperature=3.0):
        assert (reply[-1] == END) == (END in reply)
        assert reply.count(END) <= 1
        assert len(reply) <= MOST
        assert END in reply or len(reply) == MOST


def test_prompts_are_computed_once_and_finished_replies_leave(families: ModuleType):
    """Eight copies cost one prompt; a reply that has ended soon costs nothing more."""
    model = families.tiny_model("qwen2")
    count: list[int] = []
    model.register_forward_pre_hook(lambda _, __, given: count.append(given["input_ids"].numel()), with_kwargs=True)
    found = Sampler(model, [END], PADDING, 1.0, MOST).sample([PROMPTS[0]], noise([0], copies=8))
    assert count[0] == len(PROMPTS[0])
    assert sum(count) == found.computed
    assert found.computed <= len(PROMPTS[0]) + sum(map(len, found.replies))


def test_the_model_is_left_as_it_was(families: ModuleType):
    model = families.tiny_model("qwen2")
    model.train()
    model.lm_head.eval()
    sampled(model, PROMPTS, noise([0, 1, 2]))
    assert model.training
    assert not model.lm_head.training
    assert torch.is_grad_enabled()


def test_prompts_of_a_length_are_sampled_together():
    assert alike([5, 30, 6, 17, 9], most=9) == [[1, 3], [4, 2, 0]]
    assert alike([4, 4, 4], most=2) == [[0, 1], [2]]
