"""Files of reproductions: they read back, and whatever is wrong with one is named."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from bench.records.reproduction_files import MAX_BYTES, path_of, problems_in, read, to_text
from bench.records.reproductions import Reproduction, Spread, compare
from bench.records.schema import Record
from bench.records.store import write

MakeRecord = Callable[..., Record]


@pytest.fixture
def record(make_record: MakeRecord) -> Record:
    return make_record()


@pytest.fixture
def found(record: Record, make_record: MakeRecord) -> Reproduction:
    return compare(record, make_record(gains=[4, 5, 7]), "uniform", Spread(0.1))


@pytest.fixture
def file(tmp_path: Path, found: Reproduction) -> Path:
    path = path_of(tmp_path, found)
    write(path, to_text(found))
    return path


def test_it_reads_back(file: Path, found: Reproduction, record: Record) -> None:
    assert read(file) == found
    assert problems_in(file) == problems_in(file, record) == []


def test_its_place_is_suite_method_seed_and_a_mark_of_its_contents(file: Path, found: Reproduction) -> None:
    assert file.parts[-3:-1] == ("nano-v1", "uniform")
    assert file.name.startswith("0.")
    assert len(file.name) == len("0.01234567.json")
    other = found.model_copy(update={"provenance": found.provenance.model_copy(update={"threads": 2})})
    assert path_of(Path(), other).name != file.name


def test_a_peer_lies_one_folder_deeper(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record(method="torchjd/UPGrad")
    found = compare(record, record, "torchjd/UPGrad", Spread())
    path = path_of(tmp_path, found)
    write(path, to_text(found))
    assert path.parts[-4:-1] == ("nano-v1", "torchjd", "UPGrad")
    assert problems_in(path, record) == []


def test_its_text_is_canonical(found: Reproduction) -> None:
    text = to_text(found)
    assert text == to_text(Reproduction.model_validate(json.loads(text)))
    assert len(text.splitlines()) == len(Reproduction.model_fields) + 2
    assert len(text) < MAX_BYTES // 4


def change(file: Path, **fields: Any) -> None:
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"verdict": "bitwise"}, "the numbers give 'within tolerance'"),
        ({"verdict": "perfect"}, "verdict"),
        ({"seed": -1}, "seed"),
        ({"method": "../../uniform"}, "method"),
        ({"unknown": 1}, "unknown"),
        ({"schema_version": 2}, "schema_version"),
        ({"tasks": []}, "tasks"),
        ({"mean_gain": {"recorded": 0.1, "again": 0.1, "tolerance": -1.0}}, "tolerance"),
    ],
)
def test_a_field_that_cannot_be_is_named(file: Path, fields: dict[str, Any], said: str) -> None:
    change(file, **fields)
    (problem,) = problems_in(file)
    assert said in problem.reason
    with pytest.raises(UserError, match="field"):
        read(file)


def test_a_changed_number_no_longer_fits_the_name(file: Path) -> None:
    change(file, seed=0, outcome="0" * 64)
    (problem,) = problems_in(file)
    assert "it belongs at nano-v1/uniform/0." in problem.reason


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"recorded_outcome": "0" * 64}, "recorded_outcome"),
        ({"identity": "0" * 64}, "identity"),
        ({"mean_gain": {"recorded": 0.2, "again": 0.2, "tolerance": 0.5}}, "mean_gain.recorded"),
    ],
)
def test_a_misquoted_record_is_named(
    tmp_path: Path, found: Reproduction, record: Record, fields: dict[str, Any], named: str
) -> None:
    """Written afresh, with a name that fits."""
    forged = Reproduction.model_validate({**found.model_dump(), **fields})
    path = path_of(tmp_path, forged)
    write(path, to_text(forged))
    assert problems_in(path) == []
    assert [problem.field for problem in problems_in(path, record)] == [named]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"seed": 1, "seed": 1}', '{"seed": NaN}', "[" * 50_000, " " * (MAX_BYTES + 1), "\x00"],
    ids=["empty", "list", "cut", "twice", "NaN", "deep", "large", "zero"],
)
def test_what_is_no_reproduction_is_one_problem(file: Path, text: str) -> None:
    file.write_text(text)
    assert len(problems_in(file)) == 1


def test_a_link_is_not_followed(file: Path) -> None:
    target = file.rename(file.with_name("elsewhere"))
    file.symlink_to(target)
    (problem,) = problems_in(file)
    assert "link" in problem.reason
