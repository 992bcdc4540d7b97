"""Scripts as a user writes them, in seconds: a tiny model, sums as data, rewards that need no verifier."""

import gc
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from datasets import Dataset
from datasets.utils.logging import disable_progress_bar
from torch import Tensor
from transformers import Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer, SFTConfig, SFTTrainer

from tests.tiny import tokenizer, write


@cache
def folder_of_model() -> TemporaryDirectory[str]:
    made = TemporaryDirectory()
    write(Path(made.name), chat=False)

    # every trainer collects garbage twice, which takes longer than its steps if it looks at all that is imported
    gc.collect()
    gc.freeze()
    return made


def model() -> Qwen2ForCausalLM:
    torch.set_num_threads(1)
    disable_progress_bar()
    return Qwen2ForCausalLM.from_pretrained(folder_of_model().name, dtype=torch.float32)


def rows(count: int = 48) -> Dataset:
    """Two thirds of the rows are of one task."""
    return Dataset.from_list(
        [
            {"prompt": f"{n}+{n + 1}=", "completion": f"{2 * n + 1}", "task": "add" if n % 3 else "carry", "n": n}
            for n in range(count)
        ]
    )


def mixed(completions: list[str], **_: Any) -> list[float]:
    return [1 / (1 + sum(map(ord, text)) % 17) for text in completions]


def digits(completions: list[str], n: list[int], **_: Any) -> list[float | None]:
    """None now and then, as a reward function may."""
    return [
        None if number % 7 == 0 else sum(sign.isdigit() for sign in text) / 10
        for text, number in zip(completions, n, strict=True)
    ]


def shared(folder: Path, **options: Any) -> dict[str, Any]:
    given = {
        "output_dir": str(folder),
        "max_steps": 2,
        "per_device_train_batch_size": 8,
        "learning_rate": 0.1,
        "optim": "sgd",
        "report_to": [],
        "use_cpu": True,
        "bf16": False,
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
    }
    return {**given, **options}


def grpo(kind: type[GRPOTrainer], folder: Path, balance: dict[str, Any] | None = None, **options: Any) -> Any:
    """A GRPO trainer; of ours with what is asked of it in `balance`."""
    own = {"peft_config", "callbacks", "eval_dataset", "train_dataset", "reward_funcs", "model"}
    given = {key: options.pop(key) for key in own & set(options)}
    defaults = {"num_generations": 4, "max_completion_length": 6, "reward_weights": [1.0, 0.5]}
    ours = {"model": model(), "reward_funcs": [mixed, digits], "train_dataset": rows()}
    return kind(
        **{**ours, **given},
        args=GRPOConfig(**shared(folder, **{**defaults, **options})),
        processing_class=tokenizer(chat=False),
        **(balance or {}),
    )


def sft(kind: type[SFTTrainer], folder: Path, balance: dict[str, Any] | None = None, **options: Any) -> Any:
    """An SFT trainer; likewise."""
    own = {"peft_config", "callbacks", "eval_dataset", "train_dataset", "compute_loss_func"}
    given = {key: options.pop(key) for key in own & set(options)}
    return kind(
        model=model(),
        args=SFTConfig(**shared(folder, **options)),
        processing_class=tokenizer(chat=False),
        **{"train_dataset": rows(), **given},
        **(balance or {}),
    )


def trained(trainer: Any) -> Tensor:
    """Train, and return the trained parameters, [P]."""
    trainer.train()
    return flat(trainer.model)


def flat(module: torch.nn.Module) -> Tensor:
    return torch.cat([each.detach().flatten() for each in module.parameters() if each.requires_grad])


def apart(one: Tensor, other: Tensor, start: Tensor) -> float:
    """The distance of two ends, as a part of the way from the start."""
    assert (one - start).norm() > 0
    return float((one - other).norm() / (one - start).norm())
