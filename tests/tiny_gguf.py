"""A Llama as a GGUF file has it, made on the spot: random weights, rows of queries and keys in the file's order."""

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from bench.models.from_gguf import CONTROL, LAYER, WHOLE

HEADS, KEYS = 4, 2
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
TEXT = 1
"""The kind of an ordinary token."""
TEMPLATE = "{% for message in messages %}{{ message['content'] + '<|im_end|>' }}{% endfor %}"


def model() -> LlamaForCausalLM:
    """Tied embeddings, as many tokens as `tokens()`, seeded."""
    config = LlamaConfig(
        vocab_size=len(tokens()),
        hidden_size=64,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=HEADS,
        num_key_value_heads=KEYS,
        max_position_embeddings=512,
        rope_theta=5000.0,
        tie_word_embeddings=True,
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(0)
        return LlamaForCausalLM(config).eval()


def tokens() -> list[str]:
    """Special tokens, the alphabet of bytes, and the two line breaks that merge."""
    from tokenizers.pre_tokenizers import ByteLevel

    return [*SPECIAL, *sorted(ByteLevel.alphabet()), "ĊĊ"]


def write(path: Path, made: LlamaForCausalLM) -> Path:
    """Write the file: norms in float32, matrices in 8 bits a number, as llama.cpp's converter orders their rows."""
    writer = gguf.GGUFWriter(path, "llama")
    config: Any = made.config
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KEYS)

    writer.add_rope_freq_base(5000.0)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens())
    writer.add_token_types([CONTROL] * len(SPECIAL) + [TEXT] * (len(tokens()) - len(SPECIAL)))
    writer.add_token_merges(["Ċ Ċ"])

    # the end of a turn ends a text and pads, as in the model that is fetched
    writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)

    for name, values in made.model.state_dict(prefix="model.").items():
        add(writer, name, values.numpy())
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def add(writer: gguf.GGUFWriter, name: str, values: np.ndarray) -> None:
    """Enter one tensor of a checkpoint."""
    if name in WHOLE.values():
        known = {there: here for here, there in WHOLE.items()}[name]
    else:
        layer, part = name.removeprefix("model.layers.").removesuffix(".weight").split(".", 1)
        known = f"blk.{layer}.{ {there: here for here, there in LAYER.items()}[part] }.weight"
    for kind, heads in (("attn_q", HEADS), ("attn_k", KEYS)):
        if kind in known:
            values = side_by_side(values, heads)

    if values.ndim == 1:
        writer.add_tensor(known, values)
    else:
        kind = gguf.GGMLQuantizationType.Q8_0
        writer.add_tensor(known, gguf.quants.quantize(values, kind), raw_dtype=kind)


def side_by_side(rows: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key matrix as the file has them: the two that a position turns together are neighbours."""
    outputs, inputs = rows.shape
    return rows.reshape(heads, 2, outputs // heads // 2, inputs).swapaxes(1, 2).reshape(outputs, inputs)
