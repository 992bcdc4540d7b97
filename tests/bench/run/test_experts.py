"""Models with experts run in both regimes: a router's balance is no task's loss, and evaluation asks no router."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from bench.request.request import parse_request
from bench.run.story import run


class Silent:
    """Shows nothing."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.fixture(scope="module", params=["mixtral", "qwen2_moe"])
def experts(request, families, tiny_checkpoint: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny checkpoint of the family, whose configuration asks for the router's logits."""
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path_factory.mktemp("experts") / request.param))
    (folder / "model.safetensors").unlink()
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    options = {**families.FAMILIES[request.param], "max_position_embeddings": 512, "output_router_logits": True}
    config = AutoConfig.for_model(request.param, vocab_size=size, **options)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


@pytest.mark.parametrize("words", [["regime=grpo"], ["regime=sft"], ["regime=sft", "lora.r=2"]], ids=" ".join)
def test_a_run_ends_with_a_record(experts: Path, tmp_path: Path, words: list[str]) -> None:
    few = ["recipe.steps=1", "evaluation.items=4", "recipe.max_reply_tokens=8", "recipe.train_rows=300"]
    asked = ["method=pcgrad", "suite=smoke-v1", f"model={experts}", f"store={tmp_path}", *few, *words]
    finished = run(parse_request(asked), Silent())
    assert finished is not None
    assert finished.record.status == "done"
    assert all(task.after is not None for task in finished.record.tasks)
