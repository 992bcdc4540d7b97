"""A trained model as a checkpoint that `from_pretrained` reads: weights or adapter, tokenizer, model card."""

import json
from pathlib import Path
from typing import Any

from transformers import PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from bench.models.files import KEPT, PEFT
from bench.request.suite import PINNED, Suite


def keep(model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase, suite: Suite, folder: Path, card: str) -> None:
    """Write a checkpoint. card: the text of its README. OSError where it cannot be written."""
    disable_progress_bar()
    folder.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)

    # an adapter names its base: as the suite does, where that is no folder of this installation
    if suite.lora.r and suite.model not in PINNED and not Path(suite.model).expanduser().is_dir():
        _edit(folder / PEFT, base_model_name_or_path=suite.model, revision=suite.revision)
    (folder / KEPT).write_text(json.dumps({"base": suite.model, "revision": suite.revision}) + "\n", "utf-8")
    (folder / "README.md").write_text(card, "utf-8")


def bytes_of(model: PreTrainedModel) -> int:
    """Bytes that a checkpoint of the model takes: of an adapter its own parameters, else all."""
    adapted = hasattr(model, "peft_config")
    return sum(each.numel() * each.element_size() for each in model.parameters() if each.requires_grad or not adapted)


def with_kept_adapter(model: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """The base model with the adapter that lies in a folder."""
    from peft import PeftModel

    adapted: PreTrainedModel = PeftModel.from_pretrained(model, str(folder))
    return adapted


def _edit(path: Path, **values: Any) -> None:
    data = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**data, **values}, indent=2) + "\n", "utf-8")
