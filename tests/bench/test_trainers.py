"""The page of the trainers, and the examples: what they show runs."""

import re
import runpy
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from datasets import Dataset
from trl import GRPOConfig

import bench.trainers
from tests.tiny import write

pytestmark = pytest.mark.filterwarnings("ignore:'pin_memory' argument is set:UserWarning")
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "trainers.md").read_text("utf-8")
QUICKSTART = """
from datasets import load_dataset
from trl import GRPOTrainer
from trl.rewards import accuracy_reward

dataset = load_dataset("trl-lib/DeepMath-103K", split="train")

trainer = GRPOTrainer(
    model="Qwen/Qwen2-0.5B-Instruct",
    reward_funcs=accuracy_reward,
    train_dataset=dataset,
)
trainer.train()
"""
"""As the documentation of TRL 1.16 has it."""
ANSWERS = [
    {"prompt": [{"role": "user", "content": f"{n}+{n}?"}], "solution": f"${2 * n}$", "task": "ab"[n % 2]}
    for n in range(4)
]


def test_trls_quickstart_needs_two_changes_and_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local model and four rows stand in for those of the hub; the configuration is TRL's, but for its length."""
    (ours,) = [block for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "load_dataset" in block]
    changed = set(ours.strip().splitlines()) - set(QUICKSTART.strip().splitlines())
    assert changed == {
        "from bench.trainers import BalancedGRPOTrainer",
        "trainer = BalancedGRPOTrainer(",
        '    method="pcgrad",',
    }

    torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.load_dataset", lambda *_, **__: Dataset.from_list(ANSWERS))
    short = partial(GRPOConfig, max_steps=1, max_completion_length=4, report_to="none", bf16=False)
    monkeypatch.setattr("trl.trainer.grpo_trainer.GRPOConfig", short)
    names: dict[str, Any] = {}
    exec(ours.replace("Qwen/Qwen2-0.5B-Instruct", str(write(tmp_path / "model"))), names)
    assert names["trainer"].state.global_step == 1


@pytest.mark.parametrize("script", ["trl_grpo.py", "trl_sft.py"])
def test_the_examples_run(script: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    torch.set_num_threads(1)
    monkeypatch.setattr(sys, "argv", [script, "--steps", "1", "--output", str(tmp_path)])
    runpy.run_path(str(ROOT / "examples" / script), run_name="__main__")
    assert "tasks/sum/squared_norm" in capsys.readouterr().out


def test_the_method_of_the_examples_keeps_the_contract_and_runs_in_a_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    from methods._registry import load

    kind = load(str(ROOT / "examples" / "own_method.py"))
    assert kind.name == "quiet"
    monkeypatch.setattr(
        sys,
        "argv",
        ["trl_grpo.py", "--steps", "1", "--output", str(tmp_path), "--method", str(ROOT / "examples/own_method.py")],
    )
    torch.set_num_threads(1)
    runpy.run_path(str(ROOT / "examples" / "trl_grpo.py"), run_name="__main__")
    assert "tasks/reverse/weight" in capsys.readouterr().out


def test_both_trainers_are_at_the_door() -> None:
    assert set(bench.trainers.__all__) == {"BalancedGRPOTrainer", "BalancedSFTTrainer"}
