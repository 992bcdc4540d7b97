"""Adapters that are merged into a model as it is loaded: the base of the suites on smol is smollm2 and a few megabytes.

The files lie in assets/ as peft writes them, so that `peft` reads them too.
"""

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import PreTrainedModel, PreTrainedTokenizerBase

CONFIGURATION = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
TEMPLATE = "chat_template.jinja"
BEFORE, DOWN, UP = "base_model.model.", ".lora_A.weight", ".lora_B.weight"
"""How the names of an adapter's matrices begin and end."""


def adapted(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, folder: Path) -> PreTrainedModel:
    """The base model with the adapter in `folder` merged in; the tokenizer gets the template that lies there.

    model: in float32, in which the product of each pair of matrices is added to the weight it was trained beside.
    """
    config: dict[str, Any] = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
    scale = config["lora_alpha"] / config["r"]
    tensors = load_file(folder / WEIGHTS)
    places = [name.removeprefix(BEFORE).removesuffix(DOWN) for name in sorted(tensors) if name.endswith(DOWN)]

    with torch.no_grad():
        for place in places:
            up, down = (tensors[BEFORE + place + part].float() for part in (UP, DOWN))
            model.get_submodule(place).get_parameter("weight").add_(up @ down, alpha=scale)

    tokenizer.chat_template = (folder / TEMPLATE).read_text(encoding="utf-8")
    return model
