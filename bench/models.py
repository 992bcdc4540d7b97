"""Base models: the embedded one, a folder, or one from a hub; by their files' digest, and as they are trained."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
    Qwen2ForCausalLM,
)
from transformers.utils.logging import disable_progress_bar

from bench.config import ROOT, Lora
from bench.engine.gradients import full
from bench.errors import UserError
from bench.records.store import digest_of

NANO = ROOT / "assets" / "nano"
DIGESTS = "DIGESTS.json"
FILES = ("*.json", "*.safetensors", "*.jinja", "*.model", "*.txt")
"""What of a checkpoint is read; weights are safetensors, because a pickle can run code."""
PIECE = 1 << 24


class Choice(Protocol):
    """What a suite says of its model."""

    @property
    def model(self) -> str:
        """nano, a folder, or the id of a hub."""

    @property
    def revision(self) -> str | None:
        """Commit at the hub."""

    @property
    def dtype(self) -> str:
        """fp32 or bf16."""

    @property
    def lora(self) -> Lora:
        """Adapters; rank 0 is full training."""


def model_digest(name: str, revision: str | None = None) -> str:
    """SHA-256 over the files of a base model.

    UserError if there is no such model, a file is missing, or the embedded model differs from its DIGESTS.json.
    """
    folder = _folder(name, revision)
    if folder != NANO:
        return digest_of({path.name: _file_digest(path, path.stat().st_mtime_ns) for path in _files(folder)})
    try:
        wanted = json.loads((folder / DIGESTS).read_text(encoding="utf-8"))
        found = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in wanted}
    except (OSError, ValueError) as error:
        raise UserError(f"model {name!r}: {error}. {_remedy(folder)}") from None
    for file, digest in wanted.items():
        if found[file] != digest:
            raise UserError(
                f"model {name!r}: {folder / file} has SHA-256 {found[file][:12]}..., {DIGESTS} says "
                f"{digest[:12]}...: the file is damaged or was changed. {_remedy(folder)}"
            )
    return digest_of(wanted)


def load_model(choice: Choice, seed: int = 0) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The model, ready to be trained, and its tokenizer; call `model_digest` first.

    Trained parameters are float32 always: a step of 1e-6 is lost in bfloat16. With dtype=bf16 the pass through the
    model is computed in bfloat16, and weights that are not trained, under adapters, are stored so. seed: of the
    adapters' weights.
    """
    folder = _folder(choice.model, choice.revision)
    disable_progress_bar()
    model, tokenizer = _nano() if folder == NANO else _checkpoint(folder, choice)
    if choice.lora.r:
        model = with_adapters(model, choice.lora, seed)
    return model, tokenizer


def _nano() -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """By the classes themselves: the automatic ones would give the model another pre-tokeniser, silently."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(NANO)
    return Qwen2ForCausalLM.from_pretrained(NANO, dtype=torch.float32), tokenizer


def _checkpoint(folder: Path, choice: Choice) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    stored = torch.bfloat16 if choice.dtype == "bf16" and choice.lora.r else torch.float32
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=stored, use_safetensors=True)
    except (OSError, ValueError, KeyError) as error:
        why = " ".join(str(error).split())[:300]
        raise UserError(f"model {choice.model!r} is no causal language model that can be loaded: {why}") from None
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    return model, tokenizer


def with_adapters(model: PreTrainedModel, lora: Lora, seed: int) -> PreTrainedModel:
    """The model with low-rank adapters, which alone are trained, in float32. UserError if a target has no module."""
    from peft import LoraConfig, get_peft_model

    targets: Any = list(lora.targets) if lora.targets != ("all-linear",) else "all-linear"
    config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha or 2 * lora.r,
        lora_dropout=lora.dropout,
        target_modules=targets,
        task_type="CAUSAL_LM",
    )
    with torch.random.fork_rng([]):
        torch.manual_seed(seed)
        try:
            return get_peft_model(model, config)
        except ValueError as error:
            raise UserError(f"lora.targets={','.join(lora.targets)}: {error} Say lora.targets=all-linear.") from None


def parameters_digest(model: torch.nn.Module) -> str:
    """SHA-256 over all parameters, bit by bit, in the order of their names; every process must call it."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(name.encode())
        values = full(parameter.detach()).cpu().contiguous()
        digest.update(values.view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _folder(name: str, revision: str | None) -> Path:
    """Where the model's files are; fetched from the hub if `name` is an id there."""
    if name == "nano":
        return NANO
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.resolve()
    if folder.is_absolute() or name.count("/") != 1 or name.startswith("."):
        raise UserError(
            f"no model {name!r}: it is neither nano, the embedded model, nor a folder, nor a hub's id such as "
            "Qwen/Qwen2.5-0.5B-Instruct. Say model=nano, or the folder of a checkpoint."
        )
    return _fetched(name, revision)


@cache
def _fetched(name: str, revision: str | None) -> Path:
    try:
        return Path(snapshot_download(name, revision=revision, allow_patterns=list(FILES)))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OfflineModeIsEnabled, OSError) as error:
        what = f"{name} at revision {revision}" if revision else name
        raise UserError(
            f"model {what} is not in the local cache and could not be fetched ({type(error).__name__}). Fetch it where "
            "there is a network with `hf download`, copy the folder, and say model=FOLDER."
        ) from None


def _files(folder: Path) -> list[Path]:
    found = sorted(path for pattern in FILES for path in folder.glob(pattern) if not path.name.startswith("."))
    names = {path.name for path in found}
    if "config.json" not in names or not any(name.endswith(".safetensors") for name in names):
        raise UserError(
            f"{folder} is no checkpoint: config.json, a tokenizer and weights as .safetensors are needed; "
            f"found {', '.join(sorted(names)) or 'nothing of the kind'}."
        )
    return found


@cache
def _file_digest(path: Path, changed: int) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _remedy(folder: Path) -> str:
    return f"Restore it with `git checkout -- {folder.relative_to(ROOT)}`."
