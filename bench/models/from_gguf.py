"""A Llama model out of a GGUF file: its quantised numbers as float32, its tokenizer as it was before, as a checkpoint.

Transformers reads such files too, but keeps them marked as quantised, which forbids to train or save them, and gives
the tokenizer the wrong pre-tokeniser: it drops the rule by which each digit stands alone. Every file is written here,
so that its bytes depend on no library's version.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

Array = NDArray[np.float32]
LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}
"""Names of a layer's tensors in the file, and in a checkpoint."""
WHOLE = {"token_embd.weight": "model.embed_tokens.weight", "output_norm.weight": "model.norm.weight"}
CONTROL = 3
"""The kind of token that stands for no text, in the file's list of kinds."""
WHAT = "tokenizer.ggml."


def convert(source: Path, folder: Path) -> None:
    """Write `folder` as a checkpoint: float32 weights, configuration, tokenizer. The embeddings are tied.

    OSError if it cannot be written; the file is trusted, as its digest was compared.
    """
    from gguf import GGUFReader

    reader = GGUFReader(source)
    said = {name: field.contents() for name, field in reader.fields.items()}
    config = configuration(said)

    folder.mkdir(parents=True, exist_ok=True)
    save_file(_weights(reader, config), folder / "model.safetensors", metadata={"format": "pt"})
    _write(folder / "config.json", config)
    _write(folder / "generation_config.json", {key: config[key] for key in config if key.endswith("_token_id")})

    _write(folder / "tokenizer.json", tokenizer(said))
    tokens = said[WHAT + "tokens"]
    special = {
        f"{name}_token": tokens[said[f"{WHAT}{key}_token_id"]]
        for name, key in (("bos", "bos"), ("eos", "eos"), ("unk", "unknown"), ("pad", "padding"))
    }
    _write(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": config["max_position_embeddings"],
            "clean_up_tokenization_spaces": False,
            **special,
        },
    )
    (folder / "chat_template.jinja").write_text(said["tokenizer.chat_template"], encoding="utf-8")


def configuration(said: dict[str, Any]) -> dict[str, Any]:
    """The file's configuration as a checkpoint of the class LlamaForCausalLM has it. said: the file's fields."""
    heads = said["llama.attention.head_count"]
    return {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": said["llama.embedding_length"],
        "intermediate_size": said["llama.feed_forward_length"],
        "num_hidden_layers": said["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": said["llama.attention.head_count_kv"],
        "head_dim": said["llama.embedding_length"] // heads,
        "max_position_embeddings": said["llama.context_length"],
        "rms_norm_eps": float(f"{said['llama.attention.layer_norm_rms_epsilon']:.6g}"),  # stored as float32
        "rope_theta": said["llama.rope.freq_base"],
        "vocab_size": said["llama.vocab_size"],
        "tie_word_embeddings": True,
        "attention_bias": False,
        "mlp_bias": False,
        "dtype": "float32",
        "bos_token_id": said[WHAT + "bos_token_id"],
        "eos_token_id": said[WHAT + "eos_token_id"],
        "pad_token_id": said[WHAT + "padding_token_id"],
    }


def _weights(reader: Any, config: dict[str, Any]) -> dict[str, Array]:
    """All tensors in float32, by their names in a checkpoint."""
    from gguf.quants import dequantize

    found = {}
    for tensor in reader.tensors:
        values = np.ascontiguousarray(dequantize(tensor.data, tensor.tensor_type), dtype=np.float32)
        if tensor.name in WHOLE:
            found[WHOLE[tensor.name]] = values
            continue

        _, layer, kind, _ = tensor.name.split(".")  # blk.3.attn_q.weight
        if kind in ("attn_q", "attn_k"):
            heads = config["num_attention_heads" if kind == "attn_q" else "num_key_value_heads"]
            values = halves_apart(values, heads)
        found[f"model.layers.{layer}.{LAYER[kind]}.weight"] = values

    return found


def halves_apart(rows: Array, heads: int) -> Array:
    """Rows of a query or key matrix, each head's in halves. rows: [heads * d, inputs], as the file has them.

    The file pairs the rows that a position turns together side by side; a checkpoint has the first of all pairs, then
    the second of all.
    """
    outputs, inputs = rows.shape
    pairs = rows.reshape(heads, outputs // heads // 2, 2, inputs)
    return np.ascontiguousarray(pairs.swapaxes(1, 2).reshape(outputs, inputs))


def tokenizer(said: dict[str, Any]) -> dict[str, Any]:
    """The tokenizer as tokenizer.json has it: byte-level pairs, each digit alone. said: the file's fields."""
    tokens = said[WHAT + "tokens"]
    kinds = said[WHAT + "token_type"]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}

    flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
    added = [
        {"id": number, "content": tokens[number], **flags, "special": True}
        for number, kind in enumerate(kinds)
        if kind == CONTROL
    ]
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": added,
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, level]},
        "post_processor": None,
        "decoder": {**level, "add_prefix_space": True},
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "vocab": {token: number for number, token in enumerate(tokens)},
            "merges": said[WHAT + "merges"],
        },
    }


def _write(path: Path, data: dict[str, Any]) -> None:
    path.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
