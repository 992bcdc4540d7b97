"""A GGUF file as a checkpoint: the same function, the same tokens, and nothing that says quantised."""

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from bench.models.from_gguf import convert, halves_apart

pytestmark = pytest.mark.skipif(find_spec("gguf") is None, reason="gguf is not installed")


@pytest.fixture(scope="module")
def made(tiny_gguf: ModuleType) -> LlamaForCausalLM:
    return tiny_gguf.model()


@pytest.fixture(scope="module")
def folder(tiny_gguf: ModuleType, made: LlamaForCausalLM, tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("gguf")
    convert(tiny_gguf.write(place / "tiny.gguf", made), place / "checkpoint")
    return place / "checkpoint"


def test_it_computes_what_the_model_did(made: LlamaForCausalLM, folder: Path) -> None:
    """Up to 8 bits a number; rows of queries or keys in the wrong order are off by as much as the logits are large."""
    found, report = LlamaForCausalLM.from_pretrained(folder, output_loading_info=True)
    ids = torch.arange(3, 35)[None]
    with torch.no_grad():
        wanted, given = made(ids).logits, found(ids).logits
    assert not any(report.values())
    assert (given - wanted).abs().max() < 0.05 * wanted.abs().max()


def test_it_can_be_trained_and_saved(folder: Path, tmp_path: Path) -> None:
    """What transformers makes of the file itself refuses both."""
    found = LlamaForCausalLM.from_pretrained(folder)
    assert not hasattr(found.config, "quantization_config")
    assert found.lm_head.weight.data_ptr() == found.model.embed_tokens.weight.data_ptr()
    assert {parameter.dtype for parameter in found.parameters()} == {torch.float32}
    found.save_pretrained(tmp_path)


def test_a_digit_is_a_token_and_takes_no_white_space(folder: Path) -> None:
    """Without the rule, two line breaks before a digit would not merge: 1 token less here."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    pieces = tokenizer.convert_ids_to_tokens(tokenizer("\n\n12")["input_ids"])
    assert pieces == ["ĊĊ", "1", "2"]
    assert tokenizer.decode(tokenizer("a\n  12 é<|im_end|>")["input_ids"]) == "a\n  12 é<|im_end|>"
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 2)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False) == "a<|im_end|>"


def test_it_is_written_bit_by_bit_the_same(tiny_gguf: ModuleType, made: LlamaForCausalLM, folder: Path) -> None:
    again = folder.parent / "again"
    convert(tiny_gguf.write(folder.parent / "second.gguf", made), again)
    for path in folder.iterdir():
        assert path.read_bytes() == (again / path.name).read_bytes(), path.name


def test_rows_of_a_head_go_into_halves(tiny_gguf: ModuleType) -> None:
    rows = np.arange(8, dtype=np.float32)[:, None]
    assert tiny_gguf.side_by_side(rows, 2)[:, 0].tolist() == [0, 2, 1, 3, 4, 6, 5, 7]
    assert halves_apart(tiny_gguf.side_by_side(rows, 2), 2).tolist() == rows.tolist()
