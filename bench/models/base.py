"""Base models: embedded or fetched, a folder, or one from a hub; by their files' digest, and as they are trained."""

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import torch
from safetensors import SafetensorError
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2ForCausalLM,
)
from transformers.utils.logging import disable_progress_bar

from bench.engine.gradients import full
from bench.errors import UserError
from bench.models.adapted import adapted
from bench.models.files import kept_base, model_folder
from bench.models.templates import check_template, pin_the_date
from bench.models.trainable import in_bfloat16, with_adapters
from bench.request.suite import ADAPTED, ASSETS, EMBEDDED, FETCHED, Lora

CLASSES: dict[str, type[PreTrainedModel]] = {
    **dict.fromkeys(EMBEDDED, Qwen2ForCausalLM),
    **dict.fromkeys((*FETCHED, *ADAPTED), LlamaForCausalLM),
}
"""Of what kind the pinned models are."""
PARSERS = ("response_template", "response_schema")
"""Names by which TRL would take a reply apart; verifiers read replies whole, in training as in evaluation."""


class Choice(Protocol):
    """What a suite says of its model."""

    @property
    def model(self) -> str:
        """nano2, nano, smol, smollm2, a folder, or the id of a hub."""

    @property
    def revision(self) -> str | None:
        """Commit at the hub."""

    @property
    def dtype(self) -> str:
        """fp32 or bf16."""

    @property
    def lora(self) -> Lora:
        """Adapters; rank 0 is full training."""

    @property
    def rollout(self) -> str:
        """What samples completions: transformers or vllm."""


def load_model(choice: Choice, seed: int = 0) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, ready to be trained, and its tokenizer; call `model_digest` first.

    Trained parameters are float32 always: a step of 1e-6 is lost in bfloat16. With dtype=bf16 the pass through the
    model is computed in bfloat16, in training, rollouts and evaluation alike, and weights that are not trained, under
    adapters, are stored so. seed: of the adapters' weights. UserError if the model cannot be loaded, or not sampled
    from as `choice.rollout` says.
    """
    if choice.rollout == "vllm" and find_spec("vllm") is None:
        raise UserError("rollout=vllm needs vLLM, which is not installed: `pip install vllm`, or rollout=transformers.")

    folder = model_folder(choice.model, choice.revision)
    disable_progress_bar()

    # weights that adapters leave alone need no float32; those that are trained do
    stored = torch.bfloat16 if choice.dtype == "bf16" and choice.lora.r else torch.float32
    model, tokenizer = _read(folder, choice.model, stored)

    if choice.lora.r:
        model = with_adapters(model, choice.lora, seed)
    if choice.dtype == "bf16":
        model = in_bfloat16(model)
    return model, tokenizer


def _read(folder: Path, name: str, stored: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model and its tokenizer from a folder, those of pinned models by the classes themselves.

    The automatic ones would give them another pre-tokeniser, silently.
    """
    kind = CLASSES.get(name) or CLASSES.get(kept_base(folder) or "")
    if kind is None:
        return _checkpoint(folder, name, stored)

    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    if name not in ADAPTED:
        return kind.from_pretrained(folder, dtype=stored), tokenizer
    model = adapted(kind.from_pretrained(folder, dtype=torch.float32), tokenizer, ASSETS / name)
    return model.to(stored), tokenizer


def _checkpoint(folder: Path, name: str, stored: torch.dtype) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False)
        model, report = AutoModelForCausalLM.from_pretrained(
            folder, dtype=stored, use_safetensors=True, trust_remote_code=False, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, ImportError, RuntimeError, SafetensorError) as error:
        raise _unfit(name, " ".join(str(error).split())[:300]) from None

    if missing := sorted(report["missing_keys"]):  # transformers fills them with chance
        raise _unfit(name, f"it has no weights for {', '.join(missing[:3])}, {len(missing)} in all")
    if tokenizer.eos_token_id is None:
        raise _unfit(name, "its tokenizer has no token that ends a text (eos_token)")
    if len(tokenizer) > (rows := model.get_input_embeddings().num_embeddings):
        raise _unfit(name, f"its tokenizer has {len(tokenizer)} tokens, the model {rows}")

    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token

    if hasattr(model.config, "output_router_logits"):
        model.config.output_router_logits = False  # its loss needs the whole mask, which a cached token has not
    pin_the_date(tokenizer)
    check_template(tokenizer, name)

    for parser in PARSERS:
        if getattr(tokenizer, parser, None) is not None:
            setattr(tokenizer, parser, None)
    return model, tokenizer


def _unfit(name: str, why: str) -> UserError:
    return UserError(f"model {name!r} is no causal language model that can be loaded: {why}. Choose another folder.")


def parameters_digest(model: torch.nn.Module) -> str:
    """SHA-256 over all parameters, bit by bit, in the order of their names; every process must call it."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(name.encode())
        values = full(parameter.detach()).cpu().contiguous()
        digest.update(values.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()
