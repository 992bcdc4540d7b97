"""Data tasks as such: where rows come from, in which order, and what is said when they cannot be had."""

import gzip
import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from bench.errors import UserError
from tasks import DataTask, Draft, Hub, OffSchema, Row, Split, data_hash
from tasks._data import ROOT, data_root, load
from tasks._files import read
from tasks._schema import check

REPOSITORY = Path(__file__).parents[2]


class Echo(DataTask):
    """Say the word. A training file, a held-out file."""

    name = "echo"
    domain = "qa"
    revision = 1
    summary = "Say the word."
    chance = 0.5
    max_reply_tokens = 4
    hub = Hub("hand/echo", "none, it is written by hand", {"train": "train", "heldout": "test+extra"})
    mirror = {"train": ("train.jsonl",), "heldout": ("test*.jsonl",)}
    licence = "none"
    schema = {"word": str}
    sizes = {"train": 3, "heldout": 3}

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        return Draft(f"Say {raw['word']}.", raw["word"]) if raw["word"] else None

    def verify(self, reply: str, row: Row) -> float:
        return float(reply == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return f"{row.answer}{rng.randrange(9)}"


class Shared(Echo):
    """Both splits in one file."""

    mirror = {"train": ("all.jsonl",), "heldout": ("all.jsonl",)}
    hub = Hub("hand/echo", "none, it is written by hand", {"train": "all", "heldout": "all"})


class Evaluation(Echo):
    mirror = {"heldout": ("test*.jsonl",)}


def put(root: Path, file: str, *words: object) -> Path:
    path = root / "echo" / file
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(json.dumps({"word": word}) + "\n" for word in words))
    return path


def words(task: DataTask, root: Path, split: Split) -> list[str]:
    return [row.answer for row in load(task, root)[split]]


def test_duplicates_and_heldout_prompts_are_dropped_from_training(tmp_path: Path) -> None:
    put(tmp_path, "train.jsonl", "a", "b", "b", "c", "d")
    put(tmp_path, "test_1.jsonl", "c", "e", "e")
    put(tmp_path, "test_2.jsonl", "f")
    assert sorted(words(Echo(), tmp_path, "train")) == ["a", "b", "d"]
    assert sorted(words(Echo(), tmp_path, "heldout")) == ["c", "e", "f"]


def test_the_order_of_rows_does_not_depend_on_the_files(tmp_path: Path) -> None:
    """The first n of them are a fair sample of all, and the same from every origin."""
    letters = [chr(ord("a") + place) for place in range(26)]
    for root, found in ((tmp_path / "x", letters), (tmp_path / "y", letters[::-1])):
        root.mkdir()
        put(root, "train.jsonl", *found)
        put(root, "test.jsonl", "1", "2", "3")
    assert load(Echo(), tmp_path / "x") == load(Echo(), tmp_path / "y")
    assert words(Echo(), tmp_path / "x", "train") not in (letters, letters[::-1])


def test_one_file_for_both_splits_is_split_by_the_prompt(tmp_path: Path) -> None:
    put(tmp_path, "all.jsonl", *map(str, range(200)))
    train, held = (words(Shared(), tmp_path, split) for split in ("train", "heldout"))
    assert sorted(train + held, key=int) == [str(number) for number in range(200)]
    assert 10 <= len(held) <= 45  # one in eight is expected


def test_a_task_may_say_itself_where_a_row_of_a_shared_file_belongs(tmp_path: Path) -> None:
    class ByNumber(Shared):
        def side(self, raw: Mapping[str, Any], prompt: str) -> Split | None:
            return None if raw["word"] == "0" else "heldout" if int(raw["word"]) > 7 else "train"

    put(tmp_path, "all.jsonl", *map(str, range(10)))
    assert sorted(words(ByNumber(), tmp_path, "heldout")) == ["8", "9"]
    assert sorted(words(ByNumber(), tmp_path, "train")) == ["1", "2", "3", "4", "5", "6", "7"]


def test_an_evaluation_set_has_no_training_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "test.jsonl", "a")
    monkeypatch.setenv(ROOT, str(tmp_path))
    task = Evaluation()
    assert [row.answer for row in task.rows("heldout", 1)] == ["a"]
    with pytest.raises(UserError, match="'echo' has no train rows: it is not for training"):
        task.rows("train", 1)


def test_a_set_gives_all_it_has_but_not_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "train.jsonl", "a", "b")
    put(tmp_path, "test.jsonl", "")
    monkeypatch.setenv(ROOT, str(tmp_path))
    task = Echo()
    assert len(task.rows("train", 1)) == 1
    assert len(task.rows("train", 3)) == 2
    assert task.rows("heldout", 0) == ()
    with pytest.raises(UserError, match=f"'echo' has no usable heldout rows in {tmp_path}"):
        task.rows("heldout", 1)


def test_rows_that_cannot_be_used_are_left_out(tmp_path: Path) -> None:
    put(tmp_path, "train.jsonl", "a", "")
    put(tmp_path, "test.jsonl", "c")
    assert words(Echo(), tmp_path, "train") == ["a"]


def test_packed_files_and_the_hub_s_own_files_give_the_same_rows(tmp_path: Path) -> None:
    plain, packed, parquet = (tmp_path / kind for kind in ("plain", "packed", "parquet"))
    for root in (plain, packed, parquet):
        root.mkdir()
    put(plain, "train.jsonl", "a", "b")
    put(plain, "test.jsonl", "c", "d")
    for file in ("train.jsonl", "test.jsonl"):
        place = packed / "echo" / f"{file}.gz"
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(gzip.compress((plain / "echo" / file).read_bytes()))
    (parquet / "echo" / "data").mkdir(parents=True)
    for part, found in (("train", ["a", "b"]), ("test", ["c"]), ("extra", ["d"])):
        name = parquet / "echo" / "data" / f"{part}-00000-of-00001.parquet"
        Dataset.from_list([{"word": word} for word in found]).to_parquet(name)
    hashes = {data_hash((*load(Echo(), r)["train"], *load(Echo(), r)["heldout"])) for r in (plain, packed, parquet)}
    assert len(hashes) == 1


def test_the_hub_is_read_through_datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder in the hub's layout stands for the hub: `load_dataset` takes either."""
    folder = tmp_path / "set"
    (folder / "data").mkdir(parents=True)
    for part, found in (("train", ["a", "b"]), ("test", ["c"]), ("extra", ["d", None])):
        path = folder / "data" / f"{part}-00000-of-00001.parquet"
        Dataset.from_list([{"word": word} for word in found]).to_parquet(path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))

    class Folder(Echo):
        hub = Hub(str(folder), "none, it is a folder", {"train": "train", "heldout": "test"})

    class Joined(Echo):
        hub = Hub(str(folder), "none, it is a folder", Echo.hub.splits)

    monkeypatch.delenv(ROOT)
    assert sorted(row.answer for row in Folder().rows("train", 2)) == ["a", "b"]
    assert [row.answer for row in Folder().rows("heldout", 1)] == ["c"]
    with pytest.raises(UserError, match=r"test\+extra, row 3: field 'word' should be text, but is None"):
        Joined().rows("heldout", 1)


def test_without_the_hub_one_sentence_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ROOT)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    with pytest.raises(UserError) as caught:
        Echo().rows("train", 1)
    message = str(caught.value)
    assert "(hand/echo)" in message
    assert "data_root=DIR, where DIR/echo/ holds the published files (train: train.jsonl; heldout: test*" in message
    assert "\n" not in message


def test_a_missing_file_is_told_with_its_folder_names_and_hub(tmp_path: Path) -> None:
    put(tmp_path, "train.jsonl", "a")
    with pytest.raises(UserError) as caught:
        load(Echo(), tmp_path)
    for part in (str(tmp_path / "echo"), "train: train.jsonl; heldout: test*.jsonl", "hand/echo"):
        assert part in str(caught.value)


def test_a_folder_that_is_none_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is no folder"):
        load(Echo(), tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b'{"word": "a"}\n{"word": 7}\n', r"train.jsonl, line 2: field 'word' should be text, but is 7\."),
        (b'{"word": "a"}\n\n{"wort": "b"}\n', r"line 3: field 'word' should be text, but is missing\."),
        (b'[{"word": "a"}, {"word": null}]', r"row 2: field 'word' should be text, but is None\."),
        (b'["a"]', r"row 1: field '\(row\)' should be an object with 'word', but is 'a'\."),
        (b'{"word": "a"}\n{"word": \n', "line 2 is not JSON: Expecting value"),
        (b"[" * 100_000, "is not JSON"),
        (b'{"word": "\xff"}', "cannot read .*train.jsonl: 'utf-8' codec"),
    ],
)
def test_a_row_off_the_schema_is_told_with_file_line_and_field(text: bytes, message: str, tmp_path: Path) -> None:
    put(tmp_path, "test.jsonl", "c")
    (tmp_path / "echo" / "train.jsonl").write_bytes(text)
    with pytest.raises(UserError, match=message):
        load(Echo(), tmp_path)


def test_broken_archives_are_told(tmp_path: Path) -> None:
    for name, data in (("x.jsonl.gz", b"no"), ("y.jsonl.gz", gzip.compress(b"{}")[:-6]), ("z.parquet", b"PAR1")):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UserError, match=f"cannot read .*{name}"):
            list(read(tmp_path / name))


def test_text_is_read_as_it_stands(tmp_path: Path) -> None:
    """Readers that infer types make these None, a time stamp, 1.0 and nothing."""
    path = tmp_path / "x.csv"
    path.write_text('question,choice\nHow many?,None\nWhen?,2019-01-01\n"a\nb",01\n', encoding="utf-8-sig")
    rows = [(raw.where.rpartition(", ")[2], *raw.fields.values()) for raw in read(path)]
    assert rows == [("line 2", "How many?", "None"), ("line 3", "When?", "2019-01-01"), ("line 4", "a\nb", "01")]
    lines = tmp_path / "x.jsonl"
    lines.write_text('{"a": "2019-01-01", "b": 1, "c": null}\n{"a": "x\u2028y", "b": 2.5}\n')
    assert [raw.fields for raw in read(lines)] == [
        {"a": "2019-01-01", "b": 1, "c": None},
        {"a": "x\u2028y", "b": 2.5},
    ]


@pytest.mark.parametrize(
    ("value", "shape", "message"),
    [
        ("a", str, None),
        (1, float, None),
        (True, int, "should be a whole number, but is True"),
        (1, bool, "should be true or false, but is 1"),
        (None, (str, type(None)), None),
        (1.5, (str, int), "should be text or a whole number, but is 1.5"),
        (["a", 1], [str], r"field '\[1\]' should be text, but is 1"),
        ({"a": {"b": ["c"]}}, {"a": {"b": [str]}}, None),
        ({"a": {"b": "c"}}, {"a": {"b": [str]}}, "field 'a.b' should be a list of text, but is 'c'"),
        ("E", frozenset("AB"), "should be one of 'A', 'B', but is 'E'"),
        (["A"], frozenset("AB"), r"should be one of 'A', 'B', but is \['A'\]"),
        ("x" * 1000, int, r"but is 'x{59}\.\.\.$"),
    ],
)
def test_shapes(value: Any, shape: Any, message: str | None) -> None:
    if message is None:
        check(value, shape)
    else:
        with pytest.raises(OffSchema, match=message):
            check(value, shape)


def test_the_root_is_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ROOT, "~/copies")
    assert data_root() == Path.home() / "copies"
    monkeypatch.setenv(ROOT, "")
    assert data_root() is None


def test_files_are_read_without_traces_and_without_noise(hand_written: Path, tmp_path: Path) -> None:
    """Parquet goes through `datasets`, whose cache is a folder that is gone afterwards."""
    (tmp_path / "data" / "echo").mkdir(parents=True)
    for part in ("train", "test"):
        Dataset.from_list([{"word": part}]).to_parquet(tmp_path / "data" / "echo" / f"{part}-0.parquet")
    code = (
        "from pathlib import Path; from tasks._files import read; "
        f"print(*[raw.fields['word'] for f in Path({str(tmp_path / 'data')!r}).rglob('*.parquet') for raw in read(f)])"
    )
    home = tmp_path / "home"
    (tmp_path / "tmp").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "HF_HOME": str(home), "TMPDIR": str(tmp_path / "tmp")}
    ran = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert sorted(ran.stdout.split()) == ["test", "train"]
    assert ran.stderr == ""
    assert not [path for path in (*home.rglob("*"), *(tmp_path / "tmp").rglob("*")) if path.is_file()]
