"""What a model cannot do is one sentence before training, in the run and in its dry run alike."""

import json
import shutil
from pathlib import Path

import pytest
from transformers import AutoConfig, AutoModelForCausalLM

from bench.errors import UserError
from bench.models.limits import check_cache, check_prompt, positions_of, suspects
from bench.request.request import parse_request
from bench.run.forecast import forecast
from bench.run.story import run


class Silent:
    """Shows nothing."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.fixture(scope="module")
def short_gpt2(tmp_path_factory: pytest.TempPathFactory, tiny_checkpoint: Path) -> Path:
    """A GPT-2 with 24 learned positions, which end in an IndexError, and the tokenizer of the tiny checkpoint."""
    folder = Path(shutil.copytree(tiny_checkpoint, tmp_path_factory.mktemp("short") / "gpt2"))
    (folder / "model.safetensors").unlink()
    size = json.loads((folder / "config.json").read_text())["vocab_size"]
    config = AutoConfig.for_model("gpt2", n_embd=32, n_layer=1, n_head=2, n_positions=24, vocab_size=size)
    AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    return folder


def words(model: Path, store: Path, *more: str) -> list[str]:
    return ["method=uniform", "suite=smoke-v1", f"model={model}", f"store={store}", "recipe.steps=1", *more]


@pytest.mark.parametrize("regime", ["grpo", "sft"])
def test_a_prompt_longer_than_the_models_positions_is_refused_before_training(short_gpt2, tmp_path, regime):
    with pytest.raises(UserError, match=r"has a prompt of \d+ tokens, .* the 24 positions of model"):
        run(parse_request(words(short_gpt2, tmp_path, f"regime={regime}")), Silent())
    assert not list(tmp_path.rglob("*.json"))


def test_the_dry_run_says_it_too(short_gpt2, tmp_path):
    with pytest.raises(UserError, match="the 24 positions of model"):
        forecast(parse_request(words(short_gpt2, tmp_path)))


@pytest.mark.parametrize(
    "config", [{"model_type": "mamba"}, {"model_type": "qwen3_next", "layer_types": ["linear_attention"] * 3}], ids=str
)
def test_a_cache_that_cannot_be_copied_is_refused(config):
    with pytest.raises(UserError, match="cannot be copied for the completions of a prompt"):
        check_cache(config, "some/model")


@pytest.mark.parametrize(
    "config",
    [{"model_type": "llama"}, {"model_type": "gemma3_text", "layer_types": ["sliding_attention", "full_attention"]}],
    ids=str,
)
def test_attention_alone_is_accepted(config):
    check_cache(config, "some/model")


def test_positions_go_by_several_names():
    assert positions_of({"n_positions": 1024}) == positions_of({"max_position_embeddings": 1024}) == 1024
    assert positions_of({"model_type": "bloom"}) is None
    check_prompt(10**6, "task", 1, {"model_type": "bloom"}, "some/model")


def test_prompt_and_reply_must_fit_together():
    config = {"max_position_embeddings": 40}
    check_prompt(30, "task", 10, config, "some/model")
    with pytest.raises(UserError, match=r"task 'task' has a prompt of 31 tokens, and with a reply of up to 10"):
        check_prompt(31, "task", 10, config, "some/model")


def test_only_prompts_that_may_be_too_long_are_counted():
    """By bytes: a letter beyond ASCII may be several tokens."""
    assert suspects(["a" * 25, "a" * 26, "é" * 13], 10, 5, {"max_position_embeddings": 40}) == ["a" * 26, "é" * 13]
