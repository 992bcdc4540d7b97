"""SFT in a user's script: TRL's own steps where nothing is balanced, and what a method changes of them."""

import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig
from torch import Tensor
from trl import SFTTrainer

from bench.errors import UserError
from bench.trainers import BalancedSFTTrainer

sys.path.insert(0, str(Path(__file__).parent))
from scripts import apart, flat, rows, sft, trained

TIGHT = 1e-5
"""Of the way that the parameters go: rounding of sums that are taken in another order."""


def summed(outputs: Any, labels: Tensor, num_items_in_batch: Any = None) -> Tensor:
    """A loss function of the user's: it sees the logits of the whole batch."""
    logits = outputs.logits[:, :-1].flatten(0, 1)
    total = torch.nn.functional.cross_entropy(logits, labels[:, 1:].flatten(), reduction="sum")
    return total / num_items_in_batch


@pytest.mark.filterwarnings("ignore:`(compute_loss_func|label_smoothing_factor)` is deprecated:FutureWarning")
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"gradient_accumulation_steps": 2, "completion_only_loss": False},
        {"label_smoothing_factor": 0.1, "loss_type": "nll", "max_length": 12},
        {"loss_type": "dft", "weight_decay": 0.1, "peft_config": LoraConfig(r=4, task_type="CAUSAL_LM")},
        {"compute_loss_func": summed},
    ],
    ids=["defaults", "accumulation", "smoothing", "dft-adapters", "own-loss"],
)
def test_uniform_is_trls_own_trainer(options: dict[str, Any], tmp_path: Path) -> None:
    plain = sft(SFTTrainer, tmp_path / "plain", **options)
    start = flat(plain.model)
    end = trained(plain)
    balanced = sft(BalancedSFTTrainer, tmp_path / "balanced", {"method": "uniform"}, **options)
    assert apart(end, trained(balanced), start) < TIGHT
    for theirs, ours in zip(plain.state.log_history, balanced.state.log_history, strict=True):
        known = {key: theirs[key] for key in ("loss", "entropy", "num_tokens") if key in theirs}
        assert {key: ours[key] for key in known} == pytest.approx(known, rel=1e-4)


@pytest.mark.parametrize(
    ("balance", "options"),
    [
        ({"method": "dwa"}, {}),
        ({"method": "uw", "wrapper": "cr_mogm"}, {}),
        ({"method": "doge"}, {"gradient_accumulation_steps": 2}),
        ({"method": "temperature", "method_settings": {"alpha": 0.0}}, {"max_steps": 3}),
    ],
    ids=lambda given: str(given.get("method", "")),
)
def test_methods_of_every_kind_run(balance: dict[str, Any], options: dict[str, Any], tmp_path: Path) -> None:
    balanced = sft(BalancedSFTTrainer, tmp_path, balance, **options)
    start = flat(balanced.model)
    assert (trained(balanced) - start).norm() > 0
    losses = [said["tasks/carry/loss"] for said in balanced.state.log_history[:-1]]
    assert all(2 < loss < 8 for loss in losses), "that of a random model, about the logarithm of its vocabulary"
    if balance["method"] == "temperature":
        assert [said["tasks/carry/share"] for said in balanced.state.log_history[:-1]] == [0.5] * 3


def test_the_losses_of_the_tasks_make_up_that_of_the_log(tmp_path: Path) -> None:
    """Weighted by tokens, of which each row of these data has as many answers as digits, and an end."""
    balanced = sft(BalancedSFTTrainer, tmp_path, {"method": "pcgrad"}, max_steps=1, train_dataset=rows(6))
    balanced.train()
    said = balanced.state.log_history[0]
    size = balanced.window.tally.sums["size"]
    parts = [size[place] * said[f"tasks/{task}/loss"] for place, task in enumerate(balanced.choice.tasks)]
    assert float(sum(parts) / size.sum()) == pytest.approx(said["loss"], rel=1e-4)


def test_evaluation_sets_and_resuming_are_trls(tmp_path: Path) -> None:
    options = {"max_steps": 4, "save_strategy": "steps", "save_steps": 2, "eval_strategy": "steps", "eval_steps": 2}
    data = {"eval_dataset": rows(4).remove_columns("task")}
    balance = {"method": "dwa"}
    whole = sft(BalancedSFTTrainer, tmp_path / "whole", balance, **options, **data)
    end = trained(whole)
    assert sum("eval_loss" in said for said in whole.state.log_history) == 2

    second = sft(BalancedSFTTrainer, tmp_path / "whole", balance, **options, **data)
    second.train(resume_from_checkpoint=str(tmp_path / "whole" / "checkpoint-2"))
    assert torch.equal(flat(second.model), end)
    assert repr(second.choice.method.state_dict()) == repr(whole.choice.method.state_dict())


def test_a_stream_whose_rows_name_other_tasks_is_refused(tmp_path: Path) -> None:
    stream = rows().to_iterable_dataset()
    balanced = sft(BalancedSFTTrainer, tmp_path, {"tasks": ["add", "multiply"]}, train_dataset=stream)
    with pytest.raises(UserError, match="names none of the tasks add, multiply"):
        balanced.train()


@pytest.mark.parametrize(
    ("balance", "options", "says"),
    [
        ({}, {"packing": True}, "packing=True does not go with a balanced step"),
        ({}, {"padding_free": True}, "padding_free=True does not go with a balanced step"),
        ({"method": "token_mean"}, {}, "token_mean weights completions"),
        ({}, {"train_dataset": None}, "train_dataset is missing"),
    ],
)
def test_what_contradicts_the_step_is_refused_by_name(
    balance: dict[str, Any], options: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=says):
        sft(BalancedSFTTrainer, tmp_path, balance, **options)
