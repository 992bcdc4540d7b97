"""Base models: the embedded nano model, checked against its digests before it is trusted."""

import hashlib
import json
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, Qwen2ForCausalLM
from transformers.utils.logging import disable_progress_bar

from bench.config import ROOT
from bench.errors import UserError
from bench.records.store import digest_of

NANO = ROOT / "assets" / "nano"
DIGESTS = "DIGESTS.json"


def model_digest(name: str) -> str:
    """SHA-256 over the files of a base model. UserError if one is missing or differs from DIGESTS.json."""
    folder = _folder(name)
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


def load_model(name: str) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """The model, in float32, and its tokenizer; call `model_digest` first.

    The tokenizer is loaded by the fast class itself: the automatic class would give a Qwen2 checkpoint its own
    pre-tokeniser, silently.
    """
    folder = _folder(name)
    disable_progress_bar()
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    model = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model, tokenizer


def parameters_digest(model: torch.nn.Module) -> str:
    """SHA-256 over all parameters, bit by bit, in the order of their names."""
    digest = hashlib.sha256()
    for name, parameter in sorted(model.named_parameters()):
        digest.update(name.encode())
        digest.update(parameter.detach().cpu().contiguous().view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


def _folder(name: str) -> Path:
    if name != "nano":
        raise UserError(f"no model {name!r}. The embedded model is 'nano'; say model=nano.")
    return NANO


def _remedy(folder: Path) -> str:
    return f"Restore it with `git checkout -- {folder.relative_to(ROOT)}`."
