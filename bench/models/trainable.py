"""How a model is trained: by adapters or whole, computed in float32 or bfloat16."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from bench.errors import UserError
from bench.request.suite import Lora


def with_adapters(model: PreTrainedModel, lora: Lora, seed: int) -> PreTrainedModel:
    """The model with low-rank adapters, which alone are trained, in float32. UserError if a target has no module."""
    from peft import LoraConfig, get_peft_model
    from peft.tuners.tuners_utils import BaseTunerLayer

    targets: Any = list(lora.targets) if lora.targets != ("all-linear",) else "all-linear"
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha or 2 * lora.r,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )

    with torch.random.fork_rng([]), warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # of peft and transformers among themselves
        # peft's own patterns for experts match nothing where the targets leave them out
        warnings.filterwarnings("ignore", message="The following (rank|alpha)_pattern keys", category=RuntimeWarning)
        torch.manual_seed(seed)
        try:
            adapted: Any = get_peft_model(model, config)
        except ValueError as error:
            said = " ".join(str(error).split())
            raise UserError(f"lora.targets={','.join(lora.targets)}: {said} Say lora.targets=all-linear.") from None

    if isinstance(adapted.get_output_embeddings(), BaseTunerLayer):
        raise UserError("lora.targets must leave the output layer out: the losses read its weights as they are.")
    return adapted


@contextmanager
def merged(model: PreTrainedModel) -> Iterator[None]:
    """The model with its adapters added to its weights, which answers faster; afterwards every bit is as before.

    Only where all adapters are those of linear layers, and the sum loses nothing worth a digit: in float32, with
    weights that lie whole in this process.
    """
    layers = _adapted_layers(model)
    before = [layer.get_base_layer().weight.data for layer in layers]

    try:
        for layer, weight in zip(layers, before, strict=True):
            layer.get_base_layer().weight.data = weight.clone()
            layer.merge()
        yield
    finally:
        for layer, weight in zip(layers, before, strict=True):
            layer.get_base_layer().weight.data = weight
            layer.merged_adapters.clear()


def _adapted_layers(model: PreTrainedModel) -> list[Any]:
    """The layers whose adapters can be merged: all that have one, or none."""
    if not hasattr(model, "get_base_model"):
        return []  # peft takes a second to import
    from peft.tuners.lora import Linear
    from peft.tuners.tuners_utils import BaseTunerLayer

    layers: list[Any] = [module for module in model.modules() if isinstance(module, BaseTunerLayer)]
    plain = all(type(layer) is Linear and _is_plain(layer.get_base_layer().weight) for layer in layers)
    return layers if plain else []


def _is_plain(weight: Any) -> bool:
    return type(weight.data) is Tensor and weight.dtype == torch.float32


def in_bfloat16(model: PreTrainedModel) -> PreTrainedModel:
    """The model, which computes in bfloat16 whatever its weights are, whoever calls it.

    It is done by hooks: what libraries put in place of `forward` keeps them, and each pass casts the weights anew.
    """
    base: Any = model.get_base_model() if hasattr(model, "get_base_model") else model
    for module in {id(one): one for one in (model, base)}.values():
        passes = _Passes()
        module.register_forward_pre_hook(passes.enter)
        module.register_forward_hook(passes.leave, always_call=True)
    return model


class _Passes:
    """Autocast around the passes of a module, which may be nested."""

    def __init__(self) -> None:
        self.open: list[torch.autocast] = []

    def enter(self, module: nn.Module, _: object) -> None:
        context = torch.autocast(next(module.parameters()).device.type, torch.bfloat16)
        context.__enter__()  # type: ignore[no-untyped-call]
        self.open.append(context)

    def leave(self, _: nn.Module, __: object, ___: object) -> None:
        self.open.pop().__exit__(None, None, None)
