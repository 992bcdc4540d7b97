"""A model that is another one with an adapter merged in: as peft merges it, whole, and never mistaken for its base."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from peft import LoraConfig, get_peft_model
from transformers import PreTrainedModel, PreTrainedTokenizerFast

from bench.errors import UserError
from bench.models.adapted import TEMPLATE, WEIGHTS, adapted
from bench.models.base import load_model, parameters_digest
from bench.models.fetched import is_here
from bench.models.files import model_digest
from bench.request.pinned import DIGESTS, pinned_digest
from bench.request.suite import ADAPTED, ASSETS, load_suite

real = pytest.mark.skipif(not is_here("smollm2"), reason="smollm2 is not cached: `bench fetch smollm2`")
NAME = "smol"


@pytest.fixture
def tokenizer() -> Any:
    return PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano2")


@pytest.fixture
def base(tiny_gguf: ModuleType) -> Callable[[], PreTrainedModel]:
    def made() -> PreTrainedModel:
        torch.manual_seed(0)
        model: PreTrainedModel = tiny_gguf.model()
        return model

    return made


@pytest.fixture
def folder(base: Callable[[], PreTrainedModel], tmp_path: Path) -> Path:
    """An adapter as peft writes it, whose product is not 0."""
    config = LoraConfig(r=2, lora_alpha=6, target_modules=["q_proj", "o_proj", "down_proj"])
    tuned = get_peft_model(base(), config)
    for name, values in tuned.named_parameters():
        if "lora_" in name:
            torch.nn.init.normal_(values, generator=torch.Generator().manual_seed(len(name)))

    tuned.save_pretrained(tmp_path)
    (tmp_path / TEMPLATE).write_text("{{ messages[0]['content'] }}")
    return tmp_path


def test_what_is_merged_is_what_peft_merges(base: Callable[[], PreTrainedModel], folder: Path, tokenizer: Any) -> None:
    from peft import PeftModel

    theirs = PeftModel.from_pretrained(base(), folder).merge_and_unload().state_dict()
    ours = adapted(base(), tokenizer, folder).state_dict()
    assert ours.keys() == theirs.keys()
    for name, values in ours.items():
        torch.testing.assert_close(values, theirs[name], rtol=1e-5, atol=1e-6)
    moved = {name for name, values in base().state_dict().items() if not torch.equal(values, ours[name])}
    assert {name.split(".")[-2] for name in moved} == {"q_proj", "o_proj", "down_proj"}


def test_its_template_is_the_folders(base: Callable[[], PreTrainedModel], folder: Path, tokenizer: Any) -> None:
    adapted(base(), tokenizer, folder)
    assert tokenizer.apply_chat_template([{"role": "user", "content": "12+3="}], tokenize=False) == "12+3="


@pytest.fixture
def assets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the adapter and of its base's digests, which is looked at in place of assets/."""
    for name in (NAME, ADAPTED[NAME]):
        shutil.copytree(ASSETS / name, tmp_path / name)
    for module in ("models.files", "request.pinned"):
        monkeypatch.setattr(f"bench.{module}.ASSETS", tmp_path)
    pinned_digest.cache_clear()
    yield tmp_path
    pinned_digest.cache_clear()


def test_its_digest_is_that_of_adapter_and_base(assets: Path) -> None:
    before = pinned_digest(NAME)
    assert before not in (pinned_digest(ADAPTED[NAME]), "")

    for name in (NAME, ADAPTED[NAME]):
        path = assets / name / DIGESTS
        said = json.loads(path.read_text())
        path.write_text(json.dumps({**said, min(said): "0" * 64}))
        pinned_digest.cache_clear()
        assert pinned_digest(NAME) != before
        path.write_text(json.dumps(said))


def test_a_damaged_adapter_is_refused(assets: Path) -> None:
    path = assets / NAME / WEIGHTS
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"model 'smol': .*damaged or was changed. Restore it with"):
        model_digest(NAME)


def test_a_missing_adapter_is_refused(assets: Path) -> None:
    (assets / NAME / WEIGHTS).unlink()
    with pytest.raises(UserError, match=r"model 'smol': .*No such file"):
        model_digest(NAME)


def test_the_committed_adapter_is_whole_and_small() -> None:
    """At most 8 MB, as it is cloned by everyone."""
    assert model_digest(NAME) == pinned_digest(NAME)
    assert (ASSETS / NAME / WEIGHTS).stat().st_size < 8_000_000


@real
def test_the_real_one_answers_in_the_form_that_tasks_ask_for() -> None:
    """And in bfloat16 it is the merged model rounded, not the rounded base with an adapter."""
    suite = load_suite("smoke-v1").model_copy(update={"model": NAME})
    model, tokenizer = load_model(suite)
    bare, _ = load_model(suite.model_copy(update={"model": ADAPTED[NAME]}))
    assert parameters_digest(model) != parameters_digest(bare)
    assert model.num_parameters() == bare.num_parameters()

    narrow, _ = load_model(suite.model_copy(update={"model": NAME, "dtype": "bf16"}))
    merged = dict(model.named_parameters())
    for name, values in narrow.named_parameters():
        assert torch.equal(values.bfloat16(), merged[name].bfloat16()), name
    assert "<|im_start|>assistant" in tokenizer.chat_template
