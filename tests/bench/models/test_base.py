"""Models from folders and hubs: what is loaded, what is refused, what is trained, and in which precision."""

import json
import shutil
import socket
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from transformers import LlamaForCausalLM, Qwen2ForCausalLM

import bench.models.hub
from bench.engine.gradients import TaskGradients
from bench.errors import UserError
from bench.models.base import load_model, parameters_digest
from bench.models.files import model_digest
from bench.request.suite import Lora, Suite, load_suite
from bench.training.trl.common import trained


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture
def copy(tiny_checkpoint: Path, tmp_path: Path) -> Path:
    """A checkpoint that a test may damage."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))


def choice(folder: Path | str, **changes: object) -> Suite:
    return load_suite("smoke-v1").model_copy(update={"model": str(folder), **changes})


IDS = torch.arange(10, 30)[None]


def refused(folder: Path | str, **changes: object) -> str:
    suite = choice(folder, **changes)

    def prepared_and_loaded() -> None:
        model_digest(suite.model, suite.revision)
        load_model(suite)

    with pytest.raises(UserError) as caught:
        prepared_and_loaded()
    return str(caught.value)


@pytest.mark.parametrize(("kind", "of"), [("qwen2", Qwen2ForCausalLM), ("llama", LlamaForCausalLM)])
def test_a_folder_is_loaded_in_float32_with_its_tokenizer(tiny, tmp_path, kind, of):
    folder = tiny.write(tmp_path / kind, kind, chat=kind == "qwen2")
    model, tokenizer = load_model(choice(folder))
    assert isinstance(model, of)
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert bool(tokenizer.chat_template) == (kind == "qwen2")
    assert tokenizer.pad_token_id is not None
    assert load_model(choice(folder))[0](IDS).logits.equal(model(IDS).logits)


def test_the_digest_is_that_of_the_files(tiny_checkpoint, copy):
    first = model_digest(str(tiny_checkpoint))
    assert model_digest(str(copy)) == first, "where the folder lies does not matter"
    (copy / "README.md").write_text("not read")
    assert model_digest(str(copy)) == first
    weights = bytearray((copy / "model.safetensors").read_bytes())
    weights[-1] ^= 1
    (copy / "model.safetensors").write_bytes(weights)
    assert model_digest(str(copy)) != first
    template = (copy / "chat_template.jinja").read_text()
    shutil.copy(tiny_checkpoint / "model.safetensors", copy)
    assert model_digest(str(copy)) == first
    (copy / "chat_template.jinja").write_text(template + " ")
    assert model_digest(str(copy)) != first, "the template is a part of the model"


def test_pickles_are_refused_unread(copy):
    (copy / "model.safetensors").unlink()
    (copy / "pytorch_model.bin").write_bytes(b"a pickle")
    assert "pytorch_model.bin: pickles are not read" in refused(copy)


def test_an_empty_folder_is_no_checkpoint(tmp_path):
    assert "nothing of the kind" in refused(tmp_path)


def test_a_damaged_or_unfit_checkpoint_is_one_sentence(copy):
    """Each damage by itself; none is a traceback, and missing weights are not filled by chance."""

    def said(file: str, content: bytes) -> str:
        kept = (copy / file).read_bytes()
        (copy / file).write_bytes(content)
        sentence = refused(copy)
        (copy / file).write_bytes(kept)
        return sentence

    config = json.loads((copy / "config.json").read_text())

    def changed(**changes: object) -> bytes:
        return json.dumps({**config, **changes}).encode()

    assert "can be loaded" in said("model.safetensors", (copy / "model.safetensors").read_bytes()[:1000])
    assert "can be loaded" in said("config.json", b"{")
    assert "can be loaded" in said("config.json", changed(model_type="unheard_of"))
    assert "can be loaded" in said("config.json", changed(model_type="bert"))
    assert "no weights for model.layers.2" in said("config.json", changed(num_hidden_layers=3, layer_types=None))
    assert "can be loaded" in said("config.json", changed(hidden_size=64))
    assert "can be loaded" in said("tokenizer.json", b"{}")
    words = json.loads((copy / "tokenizer_config.json").read_text())
    ended = {name: value for name, value in words.items() if name != "eos_token"}
    assert "ends a text" in said("tokenizer_config.json", json.dumps({**ended, "eos_token": None}).encode())
    assert load_model(choice(copy))


def test_a_tokenizer_that_is_larger_than_the_model_is_refused(tiny, copy):
    words = tiny.tokenizer()
    config = json.loads((copy / "config.json").read_text())
    model = Qwen2ForCausalLM(Qwen2ForCausalLM.config_class(**{**config, "vocab_size": len(words) - 1}))
    model.save_pretrained(copy)
    assert f"has {len(words)} tokens, the model {len(words) - 1}" in refused(copy)


@pytest.mark.parametrize("name", ["typo", "./no", "/no/such", "a/b/c", "~/no-such-folder"])
def test_what_is_neither_a_folder_nor_an_id_is_refused(name):
    assert "nor nano, embedded here, nor smol or smollm2, nor a folder" in refused(name)


@pytest.fixture
def _silence(monkeypatch, tmp_path):
    """A hub that takes calls and never answers."""
    from huggingface_hub import constants

    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setattr(constants, "ENDPOINT", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(bench.models.hub, "PATIENCE", 0.2)
        yield


@pytest.mark.usefixtures("_silence")
def test_a_hub_that_does_not_answer_is_given_up_soon():
    said = refused("someone/some-model", revision="0" * 40)
    assert "someone/some-model at revision 0000" in said
    assert "hf download" in said
    assert "HFValidationError" in refused("some one/some model")


def test_a_revision_belongs_to_a_hubs_id(tiny_checkpoint):
    assert "say revision=none" in refused(tiny_checkpoint, revision="main")
    assert "say revision=none" in refused("nano", revision="main")


def test_only_adapters_are_trained_in_float32(tiny_checkpoint):
    model, _ = load_model(choice(tiny_checkpoint, lora=Lora(r=4)))
    parameters, names = trained(model)
    assert names
    assert all("lora_" in name for name in names)
    assert {parameter.dtype for parameter in parameters} == {torch.float32}
    config = model.peft_config["default"]
    assert (config.r, config.lora_alpha, config.lora_dropout) == (4, 8, 0.0)
    # q, o: 32 -> 32; k, v: 32 -> 16; gate, up: 32 -> 48; down: 48 -> 32; two layers; not the tied head
    assert sum(parameter.numel() for parameter in parameters) == 2 * 4 * (2 * 64 + 2 * 48 + 3 * 80)


def test_adapters_have_the_settings_asked_for(tiny_checkpoint):
    lora = Lora(r=2, alpha=3, dropout=0.5, targets=("q_proj", "down_proj"))
    model, _ = load_model(choice(tiny_checkpoint, lora=lora))
    config = model.peft_config["default"]
    assert (config.lora_alpha, config.lora_dropout) == (3, 0.5)
    assert {name.split(".")[-4] for name in trained(model)[1]} == {"q_proj", "down_proj"}


def test_adapters_are_drawn_from_the_seed_alone(tiny_checkpoint):
    suite = choice(tiny_checkpoint, lora=Lora(r=4))
    torch.manual_seed(5)
    first = load_model(suite, seed=1)[0]
    state = torch.random.get_rng_state()
    torch.manual_seed(6)
    assert parameters_digest(load_model(suite, seed=1)[0]) == parameters_digest(first)
    assert parameters_digest(load_model(suite, seed=2)[0]) != parameters_digest(first)
    torch.manual_seed(5)
    assert torch.random.get_rng_state().equal(state), "drawing adapters must not shift other draws"


@pytest.mark.parametrize("targets", ["q_prj", "lm_head"])
def test_targets_that_cannot_be_are_refused(tiny, tmp_path, targets):
    folder = tiny.write(tmp_path / "untied", "llama")
    assert "lora.targets" in refused(folder, lora=Lora(r=4, targets=(targets,)))


def seen_dtypes(model: torch.nn.Module) -> set[torch.dtype]:
    """What linear layers give when the model is called."""
    found: set[torch.dtype] = set()
    layers = [module for module in model.modules() if isinstance(module, torch.nn.Linear)]
    hooks = [layer.register_forward_hook(lambda *call: found.add(call[2].dtype)) for layer in layers]
    model(IDS)
    for hook in hooks:
        hook.remove()
    return found


def test_bf16_computes_in_bfloat16_and_keeps_weights_in_float32(tiny_checkpoint):
    """A step of 1e-6 on a weight near 0.02 survives; bfloat16, with 8 bits, would swallow it."""
    model, _ = load_model(choice(tiny_checkpoint, dtype="bf16"))
    assert {parameter.dtype for parameter in model.parameters()} == {torch.float32}
    assert seen_dtypes(model) == {torch.bfloat16}
    assert not torch.is_autocast_enabled("cpu"), "the pass alone is cast"
    weight = trained(model)[0][1]
    before = weight.detach().clone()
    model(IDS, labels=IDS).loss.backward()
    torch.optim.AdamW([weight], lr=1e-6).step()
    assert (weight != before).float().mean() > 0.99
    assert (weight.bfloat16() != before.bfloat16()).float().mean() < 0.05


def test_bf16_with_adapters_stores_the_rest_in_bfloat16(tiny_checkpoint):
    model, _ = load_model(choice(tiny_checkpoint, dtype="bf16", lora=Lora(r=4)))
    frozen = {parameter.dtype for parameter in model.parameters() if not parameter.requires_grad}
    assert frozen == {torch.bfloat16}
    assert {parameter.dtype for parameter in trained(model)[0]} == {torch.float32}
    assert seen_dtypes(model) == {torch.bfloat16}
    TaskGradients(*trained(model), 2)


@pytest.mark.parametrize("rank", [0, 4])
def test_bf16_holds_for_generation_too(tiny_checkpoint, rank):
    """What is measured is the model that was trained: `generate` goes past the outer module of an adapter."""
    model, _ = load_model(choice(tiny_checkpoint, dtype="bf16", lora=Lora(r=rank)))
    found = set()
    layer = next(module for name, module in model.named_modules() if name.endswith("mlp"))
    layer.register_forward_hook(lambda *call: found.add(call[2].dtype))
    model.generate(IDS, max_new_tokens=2, do_sample=False, pad_token_id=0)
    assert found == {torch.bfloat16}


def test_an_error_in_a_pass_leaves_no_autocast_behind(tiny_checkpoint):
    model, _ = load_model(choice(tiny_checkpoint, dtype="bf16"))
    with pytest.raises(IndexError):
        model(torch.tensor([[100_000]]))
    assert not torch.is_autocast_enabled("cpu")
    assert seen_dtypes(model) == {torch.bfloat16}


def test_the_parameters_digest_sees_every_bit_and_dtype(tiny_checkpoint):
    model, _ = load_model(choice(tiny_checkpoint))
    first = parameters_digest(model)
    assert parameters_digest(load_model(choice(tiny_checkpoint))[0]) == first
    weight = trained(model)[0][-1].data
    weight[-1] = torch.nextafter(weight[-1], torch.tensor(2.0))
    assert parameters_digest(model) != first
    mixed, _ = load_model(choice(tiny_checkpoint, dtype="bf16", lora=Lora(r=4)))
    assert len(parameters_digest(mixed)) == 64, "bfloat16 has no NumPy type"


def test_vllm_that_is_missing_is_told_before_a_model_is_loaded(tmp_path):
    if find_spec("vllm"):
        pytest.skip("vllm is installed")
    with pytest.raises(UserError, match="rollout=vllm needs vLLM, which is not installed"):
        load_model(choice(tmp_path / "nothing", rollout="vllm"))
