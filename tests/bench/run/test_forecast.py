"""The dry run: exact where it says so, and light. Measured against real runs, real models and published totals."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from click.testing import CliRunner

from bench.cli.main import cli
from bench.errors import UserError
from bench.models.shapes import PUBLISHED, published_shape, shape_of, tensors
from bench.request.request import parse_request
from bench.request.suite import EMBEDDED, load_suite, suite_names
from bench.run.forecast import Forecast, counters_of, forecast, parts_of_memory
from methods._declared import needs_of
from methods._registry import cards, find, load
from tasks._data import ROOT
from tasks._registry import get_task

SMOKE = ("recipe.steps=2", "evaluation.items=8")


class Silent:
    """A watcher of nothing."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


def of(*words: str) -> Forecast:
    return forecast(parse_request(["method=uniform", *words]))


def counts(found: Forecast) -> dict[str, tuple[int, str]]:
    return {name: (count, how) for name, count, how in found.counters}


# Counters


@pytest.mark.parametrize("suite", ["smoke-v1", "smoke-sft-v1"])
@pytest.mark.parametrize("method", ["pcgrad", "coba"])
def test_exact_counters_are_the_ledger_s(tmp_path: Path, suite: str, method: str) -> None:
    from bench.run.story import run

    words = [f"suite={suite}", f"method={method}", *SMOKE, f"store={tmp_path}"]
    finished = run(parse_request(words), Silent())
    assert finished is not None
    ledger = finished.record.ledger.model_dump()
    for name, (count, how) in counts(forecast(parse_request(words))).items():
        assert how in ("exact", "at most")
        assert ledger[name] == count if how == "exact" else 0 < ledger[name] <= count, name


def test_counters_by_hand() -> None:
    """nano-v1: 60 steps of 5 tasks with 6 prompts, 8 completions each, of at most 32 tokens."""
    found = counts(of("suite=nano-v1"))
    assert found["prompts"] == (60 * 5 * 6, "exact")
    assert found["rollouts"] == found["backward_passes"] == (60 * 5 * 6 * 8, "exact")
    assert found["trained_tokens"] == (60 * 5 * 6 * 8 * 32, "at most")


def test_a_budget_a_plan_and_extra_passes_are_told() -> None:
    assert counts(of("budget.rollouts=100"))["rollouts"] == (100, "the budget ends the run")
    assert "plan" in counts(forecast(parse_request(["method=single_task"])))["rollouts"][1]
    assert "extra passes" in counts(of("wrapper=samo"))["backward_passes"][1]


def test_what_a_method_needs_is_read_as_it_is_declared() -> None:
    """From the source, and the same as the class says; hook classes add no passes."""
    passes = {"extra_forward", "extra_backward", "validation_loss"}
    for card in cards().values():
        if not card.variant:
            assert needs_of(card.path) & passes == load(card.name).needs & passes, card.name


def test_a_method_that_validates_is_charged_for_it_in_sft() -> None:
    suite = load_suite("smoke-sft-v1")
    plain = {name: count for name, count, _ in counters_of(suite, [find("uniform")])}
    assert plain["forward_passes"] == plain["prompts"] == 4 * 3 * 4


# Models


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        ("Qwen/Qwen2.5-0.5B-Instruct", 494_032_768),
        ("Qwen/Qwen2.5-3B-Instruct", 3_085_938_688),
        ("Qwen/Qwen2.5-7B-Instruct", 7_615_616_512),
        ("meta-llama/Llama-3.2-3B-Instruct", 3_212_749_824),
        ("smollm2", 134_515_008),
    ],
)
def test_parameters_are_the_published_totals(model: str, parameters: int) -> None:
    shape = published_shape(model)
    assert shape is not None
    assert shape.parameters == parameters
    assert set(PUBLISHED) >= {load_suite(name).model for name in suite_names()} - set(EMBEDDED)


@pytest.fixture(scope="module")
def folder(tiny_checkpoint: Path) -> Path:
    return tiny_checkpoint


def test_a_folder_s_shape_is_the_model_s(folder: Path) -> None:
    from transformers import AutoModelForCausalLM

    suite = parse_request(["method=uniform", f"model={folder}"]).suite
    model, shape = AutoModelForCausalLM.from_pretrained(folder), shape_of(suite)
    assert shape is not None
    assert shape.parameters == model.num_parameters()
    cache = model(input_ids=torch.ones(1, 7, dtype=torch.long), use_cache=True).past_key_values
    held = sum(layer.keys.numel() + layer.values.numel() for layer in cache.layers)
    assert held == 7 * shape.layers * shape.keys


@pytest.mark.parametrize("rank", [1, 4])
def test_adapters_are_as_many_as_are_trained(folder: Path, rank: int) -> None:
    from bench.models.base import load_model

    suite = parse_request(["method=uniform", f"model={folder}", f"lora.r={rank}"]).suite
    model, _ = load_model(suite)
    shape = shape_of(suite)
    assert shape is not None
    trained = sum(parameter.numel() for parameter in model.parameters() if parameter.requires_grad)
    assert trained == rank * shape.linear
    parts = {part.name: part.size for part in parts_of_memory(suite, shape)}
    assert parts["weights"] == 4 * model.num_parameters()
    assert parts["moments of AdamW"] == 8 * trained


def test_gradients_are_the_engine_s_buffer() -> None:
    from bench.engine.gradients import TaskGradients
    from bench.models.base import load_model
    from bench.training.trl.common import trained

    suite = load_suite("nano-v1")
    model, _ = load_model(suite)
    buffer = TaskGradients(*trained(model), len(suite.tasks)).buffer
    parts = {part.name: part.size for part in of("suite=nano-v1").memory}
    assert parts["gradients of 5 tasks, and the update"] == buffer.numel() * buffer.element_size()
    assert parts["weights"] == 4 * model.num_parameters()


def test_activations_and_logits_are_within_a_factor_of_two() -> None:
    """What autograd keeps from a pass to its way back, beside the weights, for the model of the suite nano-v1."""
    from bench.models.base import load_model

    request = parse_request(["method=uniform", "suite=nano-v1"])
    recipe, shape = request.suite.recipe, shape_of(request.suite)
    assert shape is not None
    model, _ = load_model(request.suite)
    model.train()
    sequences, prompt = recipe.prompts_per_task // 2 * recipe.rollouts_per_prompt, 20
    ids = torch.randint(5, 90, (sequences, prompt + recipe.max_reply_tokens))
    kept = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    sizes: dict[int, int] = {}

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in kept:
            sizes[storage.data_ptr()] = storage.nbytes()
        alive.append(tensor)  # so that no address is used twice
        return tensor

    alive: list[torch.Tensor] = []
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        logits = model(input_ids=ids, logits_to_keep=recipe.max_reply_tokens).logits
        logits.log_softmax(-1).gather(-1, ids[:, -recipe.max_reply_tokens :, None]).mean()
    found = {part.name: part.size for part in parts_of_memory(request.suite, shape, prompt)}
    expected = found["activations of a micro-batch"] + found["logits of a micro-batch"]
    assert 0.5 < expected / sum(sizes.values()) < 2
    assert of("gradient_checkpointing=true").peak < of().peak


def test_a_model_that_is_nowhere_is_unknown() -> None:
    found = of("suite=smoke-v1", "model=someone/a-model")
    assert (found.shape, found.memory, found.prompt) == (None, [], None)
    with pytest.raises(UserError, match="neither nano nor nano2 nor smollm2 nor smol, nor a folder"):
        of("suite=smoke-v1", "model=no//model")


def test_a_damaged_folder_is_a_user_error_and_an_unknown_kind_is_not(tmp_path: Path, folder: Path) -> None:
    def copied() -> Path:
        for path in folder.iterdir():
            (tmp_path / path.name).write_bytes(path.read_bytes())
        return tmp_path

    def damaged(file: str, data: bytes) -> str:
        (copied() / file).write_bytes(data)
        with pytest.raises(UserError, match="holds no checkpoint that can be read") as raised:
            of("suite=smoke-v1", f"model={tmp_path}")
        return str(raised.value)

    weights = (folder / "model.safetensors").read_bytes()
    damaged("config.json", b"{")
    damaged("config.json", b"[]")
    damaged("model.safetensors", b"")
    damaged("model.safetensors", weights[:100])
    damaged("model.safetensors", b"\xff" * 8 + weights)
    damaged("model.safetensors", weights[:8] + b"\xff" * 100)
    (copied() / "model.safetensors").unlink()
    with pytest.raises(UserError, match=r"no \.safetensors file"):
        of("suite=smoke-v1", f"model={tmp_path}")
    (copied() / "config.json").write_text(json.dumps({"n_embd": 4}))
    assert of("suite=smoke-v1", f"model={tmp_path}").shape is None


def test_headers_alone_are_read(folder: Path) -> None:
    sizes = dict(tensors(folder / "model.safetensors"))
    assert sizes["model.norm.weight"] == (32,)


# Prompts and rows


def test_prompts_are_measured_where_the_tokenizer_is_at_hand() -> None:
    from bench.models.base import load_model

    found = of("suite=nano-v1")
    _, tokenizer = load_model(found.request.suite)
    prompts = [row.prompt for name in found.request.suite.tasks for row in get_task(name).rows("train", 64)]
    assert found.prompt == max(len(tokenizer(prompt)["input_ids"]) for prompt in prompts)
    longer = of("suite=nano-v1", "recipe.max_reply_tokens=64")
    assert longer.peak > found.peak


def test_few_rows_and_missing_rows_are_told(hand_written: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv(ROOT, "")
    (tmp_path / "gsm8k").symlink_to(hand_written / "gsm8k")
    words = ["suite=small-v1", "tasks=gsm8k,mbpp", f"data_root={tmp_path}"]
    result = CliRunner().invoke(cli, ["run", "method=uniform", *words, "dry_run=true"])
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.replace("│", " ").split())
    assert "4 for training, all there are (8,192 asked for), 3 held out, all there are (300 asked for)" in said
    assert said.count("missing: task 'mbpp' has no data in") == 2, "for training, and for lm-eval's own mbpp"
    result = CliRunner().invoke(cli, ["run", "method=uniform", *words, "dry_run=true", "standard=gsm8"])
    assert isinstance(result.exception, UserError)
    assert "Did you mean 'gsm8k'?" in str(result.exception)


@pytest.fixture(scope="session")
def hand_written() -> Path:
    return Path(__file__).parents[2] / "tasks" / "data"


# The command


@pytest.mark.parametrize("suite", suite_names())
def test_every_suite_has_a_dry_run(suite: str, hand_written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, "")
    words = ["run", "method=pcgrad", f"suite={suite}", "dry_run=true", f"data_root={hand_written}"]
    words.append("recipe.train_rows=300")  # rows of some tasks are drawn in seconds
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, result.output
    assert "a dry run, nothing is trained" in result.output
    assert "most at once" in result.output


def test_it_is_light() -> None:
    """In a fresh process, nothing of the training stack is imported; `make bench` measures how long it takes."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "loaded:"


LIGHT = """
import sys
sys.argv = ["bench", "run", "method=pcgrad", "dry_run=true"]
from bench.cli.main import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
heavy = {"torch", "transformers", "trl", "datasets", "pyarrow", "lm_eval", "accelerate", "peft"}
loaded = heavy & {name.partition(".")[0] for name in sys.modules}
print("loaded:", *sorted(loaded))
"""
