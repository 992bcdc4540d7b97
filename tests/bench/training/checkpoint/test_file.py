"""A checkpoint's file is read as it was written, or not at all."""

import pytest
import torch
from safetensors.torch import save_file

from bench.training.checkpoint.file import Unusable, read, write_part

KEY = {"identity": "a", "packages": {"torch": "2"}}
VALUE = {"model": torch.arange(500.0), "steps": 3, "names": ["a", ("b",)]}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "0.part" / "0.safetensors"
    path.parent.mkdir()
    (path.parent / ".tmp1234").write_text("of a process that was killed")
    write_part(path, KEY, VALUE)
    assert [*path.parent.iterdir()] == [path]
    return path


def test_what_was_written_is_read(path):
    found = read(path, KEY)
    assert torch.equal(found.pop("model"), VALUE["model"])
    assert found == {"steps": 3, "names": ["a", ("b",)]}


@pytest.mark.parametrize("key", [{**KEY, "identity": "b"}, {**KEY, "more": 1}, {"packages": {"torch": "2"}}])
def test_another_key_is_named(path, key):
    with pytest.raises(Unusable, match=r"another (identity|more)"):
        read(path, key)


def test_every_changed_byte_is_seen(path):
    """Wherever it is, the header included."""
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(Unusable):
            read(path, KEY)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_half_a_file_is_no_file(path, share):
    whole = path.read_bytes()
    path.write_bytes(whole[: int(share * len(whole))])
    with pytest.raises(Unusable, match="cannot be read"):
        read(path, KEY)


def test_another_safetensors_file_is_no_checkpoint(path):
    save_file({"a": torch.ones(3)}, path)
    with pytest.raises(Unusable, match="another format"):
        read(path, KEY)


def test_a_place_that_cannot_be_written_to(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        write_part(tmp_path / "file" / "0.part", KEY, VALUE)
