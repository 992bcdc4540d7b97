"""Forged files: names, links, spellings. Whatever is not the harness's own text in its own place is named."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.records.rules import FILE
from bench.records.store import to_text

Spelling = Callable[[bytes], bytes]


@pytest.fixture
def honest() -> tuple[str, ...]:
    """One method is enough."""
    return ("pcgrad",)


def replaced(old: bytes, new: bytes) -> Spelling:
    def change(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new, 1)

    return change


TEXTS: dict[str, tuple[Spelling, str]] = {
    "a duplicate key, the honest one last": (replaced(b'"seed": 0', b'"seed": 9,\n"seed": 0'), FILE),
    "a duplicate key in a part": (replaced(b'"after":{', b'"after":{"mean":1.0,'), FILE),
    "another order": (lambda text: json.dumps(dict(reversed(json.loads(text).items()))).encode(), FILE),
    "one line": (lambda text: json.dumps(json.loads(text), sort_keys=True).encode(), FILE),
    "spaces": (replaced(b'"seed": 0', b'"seed":  0'), "seed"),
    "line ends of Windows": (lambda text: text.replace(b"\n", b"\r\n"), FILE),
    "a mark of the byte order": (lambda text: b"\xef\xbb\xbf" + text, FILE),
    "a line more": (lambda text: text + b"\n", FILE),
    "no last line end": (lambda text: text[:-1], FILE),
    "data behind": (lambda text: text + text, FILE),
    "a space": (replaced(b'"dirty":false', b'"dirty":false '), "provenance"),
    "a score with more zeros": (replaced(b'"count":500', b'"count":500.0'), "tasks.0.after.count"),
    "letters as escapes": (replaced(b'"done"', b'"\\u0064one"'), "status"),
    "NaN": (replaced(b'"threads":1', b'"threads":NaN'), FILE),
    "Infinity": (replaced(b'"threads":1', b'"threads":-Infinity'), FILE),
    "a number without end": (replaced(b'"threads":1', b'"threads":1e999'), "provenance.threads"),
    "a number of many digits": (replaced(b'"threads":1', b'"threads":1' + b"0" * 5000), FILE),
    "a truth for a number": (replaced(b'"seed": 0', b'"seed": false'), "seed"),
    "a text for a number": (replaced(b'"seed": 0', b'"seed": "0"'), "seed"),
    "an unknown field": (replaced(b'"seed": 0', b'"grade": "A",\n"seed": 0'), "grade"),
    "a missing field": (replaced(b'"seed": 0,\n', b""), "seed"),
    "a newer schema": (replaced(b'"schema_version": 1', b'"schema_version": 2'), "schema_version"),
    "a schema in words": (replaced(b'"schema_version": 1', b'"schema_version": true'), "schema_version"),
    "scores that do not add up": (replaced(b'"mean":0.', b'"mean":0.9'), "tasks.0.after"),
    "a letter that is none": (replaced(b'"reason": ""', b'"reason": "\\ud800"'), "reason"),
    "bytes that are no text": (replaced(b'"reason": ""', b'"reason": "\xff"'), FILE),
    "too deep": (lambda text: b"[" * 60_000, FILE),
    "too large": (lambda text: text + b" " * 65_536, FILE),
    "nothing": (lambda text: b"", FILE),
}


@pytest.mark.parametrize("name", TEXTS)
def test_another_spelling_is_refused(forger, verdict, name):
    change, field = TEXTS[name]
    honest = forger.path().read_bytes()
    forger.path().write_bytes(change(honest))
    assert forger.path().read_bytes() != honest
    found = {problem.field for problem in verdict(paths=[forger.path()])}
    assert any(each == field or each.startswith(f"{field}.") for each in found), found


def test_the_harness_writes_what_is_accepted(make_record, tmp_path: Path):
    from bench.records.rules.text import read

    for method in ("uniform", "torchjd/UPGrad"):
        record = make_record(method=method)
        (tmp_path / "0.json").write_text(to_text(record))
        assert read(tmp_path / "0.json") == (record, [])


def elsewhere(store: Path) -> Path:
    """A good record outside of the store."""
    path = store.parent / "elsewhere.json"
    path.write_bytes((store / "nano-v1/pcgrad/0.json").read_bytes())
    return path


def link_to_a_file(store: Path) -> str:
    target, place = elsewhere(store), store / "nano-v1/pcgrad/0.json"
    place.unlink()
    place.symlink_to(target)
    return "nano-v1/pcgrad/0.json"


def link_to_a_folder(store: Path) -> str:
    (store / "nano-v1/pcgrad").rename(store.parent / "pcgrad")
    (store / "nano-v1/pcgrad").symlink_to(store.parent / "pcgrad")
    return "nano-v1/pcgrad"


def pipe(store: Path) -> str:
    (store / "nano-v1/pcgrad/0.json").unlink()
    os.mkfifo(store / "nano-v1/pcgrad/0.json")
    return "nano-v1/pcgrad/0.json"


def folder_as_a_record(store: Path) -> str:
    (store / "nano-v1/pcgrad/0.json").unlink()
    (store / "nano-v1/pcgrad/0.json").mkdir()
    return "nano-v1/pcgrad/0.json"


def deep_folders(store: Path) -> str:
    """Deeper than is looked into: a thousand of them would be deeper than Python's stack."""
    (store / "nano-v1/pcgrad/a/b/c/d/e/f/g/h").mkdir(parents=True)
    return "nano-v1/pcgrad/a/b/c/d/e/f"


def moved(name: str) -> Callable[[Path], str]:
    def move(store: Path) -> str:
        place = store / name
        place.parent.mkdir(parents=True, exist_ok=True)
        (store / "nano-v1/pcgrad/0.json").rename(place)
        return name

    move.__name__ = name
    return move


def added(name: str, text: str = "") -> Callable[[Path], str]:
    def put(store: Path) -> str:
        (store / name).parent.mkdir(parents=True, exist_ok=True)
        (store / name).write_text(text)
        return name

    put.__name__ = name
    return put


PLACES = [
    link_to_a_file,
    link_to_a_folder,
    pipe,
    folder_as_a_record,
    deep_folders,
    moved("nano-v1/pcgrad/7.json"),
    moved("nano-v1/pcgrad/00.json"),
    moved("nano-v1/pcgrad/0.JSON"),
    moved("nano-v1/pcgrad/0 .json"),
    moved("nano-v1/mgda/0.json"),
    moved("nano-v2/pcgrad/0.json"),
    moved("nano-v1/pcgrad/deeper/still/0.json"),
    moved("nano-v1/pcgrad+01234567/0.json"),
    moved("nano-v1/PCGrad/0.json"),
    moved("0.json"),
    added("nano-v1/pcgrad/notes.txt"),
    added("nano-v1/pcgrad/.hidden"),
    added("nano-v1/pcgrad/0.json.bak"),
    added("index.html", "<script>"),
    added("nano-v1/pcgrad/a\nb.json"),
    added("nano-v1/pcgrad/0.withdrawn.json", "{}"),
    added("nano-v1/pcgrad/9.withdrawn.json", "{}"),
]


@pytest.mark.parametrize("damage", PLACES, ids=lambda damage: damage.__name__.replace("\n", " "))
def test_another_place_is_refused(results, verdict, damage):
    name = damage(results)
    assert name in {problem.file.relative_to(results).as_posix() for problem in verdict()}


def test_names_that_capitals_tell_apart_are_refused(results, verdict):
    added("nano-v1/PCGRAD/0.json", (results / "nano-v1/pcgrad/0.json").read_text())(results)
    assert any("by capitals alone" in problem.reason for problem in verdict())


def test_what_a_sweep_keeps_beside_its_runs_is_no_record(results, verdict):
    """Locks at the top are hidden; a write that was cut off is worth a word."""
    added(".claims/nano-v1/pcgrad/0.lock")(results)
    assert verdict() == verdict("warning") == []
    added("nano-v1/pcgrad/.0.json.abc123")(results)
    assert verdict() == []
    assert "cut off" in verdict("warning")[0].reason


def test_the_first_line_that_differs_names_its_field(forger, verdict):
    text = forger.path().read_text()
    forger.path().write_text(text.replace('"provenance": {', '"provenance":  {'))
    (problem,) = verdict()
    assert problem.field == "provenance"
    assert problem.reason.startswith("line 1")
