"""Merged adapters answer as adapters beside the weights do, and leave every bit as it was."""

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bench.models.base import parameters_digest
from bench.models.trainable import in_bfloat16, merged, with_adapters
from bench.request.suite import Lora

SHAPE = {"vocab_size": 40, "hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2}
TOKENS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])


@pytest.fixture
def adapted():
    torch.manual_seed(0)
    model = with_adapters(LlamaForCausalLM(LlamaConfig(**SHAPE, num_attention_heads=2)), Lora(r=2), 0)
    for name, parameter in model.named_parameters():
        if "lora_B" in name:  # zero at the start, where merging would do nothing
            torch.nn.init.normal_(parameter, std=0.3)
    return model.eval()


def matrix_products(model) -> int:
    """Products of matrices in one pass."""
    with torch.profiler.profile() as profile, torch.no_grad():
        model(input_ids=TOKENS)
    return sum(event.name == "aten::linear" for event in profile.events())


def test_merged_adapters_answer_alike_in_fewer_products(adapted):
    with torch.no_grad():
        apart, products = adapted(input_ids=TOKENS).logits, matrix_products(adapted)
        with merged(adapted):
            torch.testing.assert_close(adapted(input_ids=TOKENS).logits, apart, rtol=1e-4, atol=1e-5)
            assert matrix_products(adapted) == 2 * 7 + 1  # of the layers and of the output
    assert products == 2 * 7 * 3 + 1


@pytest.mark.parametrize("fails", [False, True], ids=["ends well", "ends in an error"])
def test_every_bit_is_as_before(adapted, fails):
    digest = parameters_digest(adapted)
    try:
        with merged(adapted):
            assert parameters_digest(adapted) != digest
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        pass

    assert parameters_digest(adapted) == digest
    assert matrix_products(adapted) == 2 * 7 * 3 + 1


def test_fresh_adapters_change_no_bit_of_the_answers():
    torch.manual_seed(0)
    model = with_adapters(LlamaForCausalLM(LlamaConfig(**SHAPE, num_attention_heads=2)), Lora(r=2), 0).eval()
    with torch.no_grad():
        apart = model(input_ids=TOKENS).logits
        with merged(model):
            assert model(input_ids=TOKENS).logits.equal(apart)


def test_weights_in_bfloat16_are_left_apart(adapted):
    for name, parameter in adapted.named_parameters():
        if "lora" not in name:
            parameter.data = parameter.data.bfloat16()
    model = in_bfloat16(adapted)
    digest = parameters_digest(model)
    with merged(model):
        assert parameters_digest(model) == digest


def test_a_model_without_adapters_is_taken_as_it_is():
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, num_attention_heads=2))
    digest = parameters_digest(model)
    with merged(model):
        assert parameters_digest(model) == digest
