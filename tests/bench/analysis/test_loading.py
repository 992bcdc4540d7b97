"""Stores with broken, foreign and hostile files: each is named, or left out and listed; none reaches a page."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.loading import LONGEST, load, suites
from bench.errors import UserError
from bench.records.store import identity_of, outcome_digest

GOOD = ["pcgrad/0", "pcgrad/1", "uniform/0", "uniform/1"]
TARGET = "nano-v1/pcgrad/0.json"


@pytest.fixture
def results(tmp_path: Path, make_record: Callable[..., Any], save: Callable[..., Path]) -> Path:
    """Two methods, two seeds."""
    for label in GOOD:
        method, seed = label.split("/")
        save(tmp_path / "results", make_record(method=method, seed=int(seed)))
    return tmp_path / "results"


def shown(results: Path, keep_going: bool = True) -> list[str]:
    return [f"{run.label}/{run.record.seed}" for run in load(results, keep_going).runs]


def change(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    """Edits a record as an attacker would: the outcome digest fits again."""
    data = json.loads(path.read_text())
    edit(data)
    data["outcome_digest"] = outcome_digest(data)
    path.write_text(json.dumps(data))


def put(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def drop_task(data: dict[str, Any]) -> None:
    """The last of three tasks is missing everywhere."""
    data["tasks"].pop()
    data["tasks"][0]["position"], data["tasks"][1]["position"] = 0, 1
    pairs = ("gramian",)
    for name, points in data["curves"].items():
        if name not in pairs and points and isinstance(points[0], list):
            data["curves"][name] = [point[:2] for point in points]
    data["curves"]["gramian"] = [point[:1] for point in data["curves"]["gramian"]]
    for name in ("task_share", "intended_share"):
        data["curves"][name] = [[0.5, 0.5] for _ in data["curves"][name]]
    data["identity"] = identity_of(data)


BROKEN: dict[str, tuple[Callable[[Path], Any], str]] = {
    # what is done to the file: the field and the reason that are named
    "empty": (lambda path: put(path, b""), r"\(file\): is not a record: Expecting value"),
    "truncated": (lambda path: put(path, path.read_bytes()[:2000]), r"\(file\): is not a record"),
    "not UTF-8": (lambda path: put(path, b'{"a": "\xff"}'), r"\(file\): is not a record: 'utf-8'"),
    "a list": (lambda path: put(path, b"[]"), "schema_version: schema_version is None"),
    "nested too deep": (lambda path: put(path, b"[" * 60_000), r"\(file\): is not a record"),
    "too large": (lambda path: put(path, path.read_bytes() + b" " * 70 * 1024), r"\(file\): has [0-9,]+ bytes"),
    "NaN": (
        lambda path: put(path, path.read_bytes().replace(b'"wall_seconds":4.0', b'"wall_seconds":NaN')),
        r"\(file\): is not a record: NaN",
    ),
    "1e999": (
        lambda path: put(path, path.read_bytes().replace(b'"wall_seconds":4.0', b'"wall_seconds":1e999')),
        "ledger.wall_seconds: ",
    ),
    "1e308": (
        lambda path: change(path, lambda data: data["curves"]["squared_norm"][1].__setitem__(0, 1e308)),
        "curves.squared_norm: has a number beyond 1e[+]100",
    ),
    "1e308 seconds": (
        lambda path: put(path, path.read_bytes().replace(b'"wall_seconds":4.0', b'"wall_seconds":1e308')),
        "ledger.wall_seconds: is beyond",
    ),
    "a key twice": (
        lambda path: put(path, path.read_bytes().replace(b'"seed": 0', b'"seed": 0, "seed": 0')),
        r"\(file\): is not a record: key 'seed' appears twice",
    ),
    "a newer schema": (
        lambda path: put(path, path.read_bytes().replace(b'"schema_version": 1', b'"schema_version": 2')),
        "schema_version: schema_version is 2",
    ),
    "a script for a name": (
        lambda path: change(path, lambda data: data["method"].update(name="<script>alert(1)</script>")),
        "method.name: String should match",
    ),
    "an unknown field": (lambda path: change(path, lambda data: data.update(rank=1)), "rank: Extra inputs"),
    "a missing field": (
        lambda path: put(path, path.read_bytes().replace(b'"normaliser": "per-sequence mean",', b"")),
        "normaliser: Field required",
    ),
    "an edited number": (
        lambda path: put(path, path.read_bytes().replace(b'"trained_tokens":960', b'"trained_tokens":9')),
        "outcome_digest: is ",
    ),
    "another's seed": (lambda path: change(path, lambda data: data.update(seed=7)), "seed: is 7, the file is 0.json"),
    "a missing task": (
        lambda path: change(path, drop_task),
        "tasks: is task_a, task_b, most runs of nano-v1 have task_a, task_b, task_c",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_record_is_named_or_left_out(results: Path, name: str) -> None:
    damage, said = BROKEN[name]
    before = (results / TARGET).read_bytes()
    damage(results / TARGET)
    assert (results / TARGET).read_bytes() != before, "the damage was not done"
    with pytest.raises(UserError, match=rf"nano-v1/pcgrad/0.json: field {said}"):
        load(results)
    found = load(results, keep_going=True)
    assert shown(results) == GOOD[1:]
    assert {problem.file for problem in found.left_out} == {Path(TARGET)}
    assert re.search(rf"^{said}", f"{found.left_out[0].field}: {found.left_out[0].reason}")


def test_a_good_store_has_no_problems(results: Path) -> None:
    assert load(results).left_out == []
    assert shown(results, keep_going=False) == shown(results) == GOOD


def test_a_folder_and_a_pipe_are_no_records(results: Path) -> None:
    (results / "nano-v1/uniform/8.json").mkdir()
    os.mkfifo(results / "nano-v1/uniform/9.json")
    with pytest.raises(UserError, match=r"uniform/8.json: field \(file\): is not a file"):
        load(results)
    assert [problem.file.name for problem in load(results, keep_going=True).left_out] == ["8.json", "9.json"]


def test_links_out_of_the_store_are_not_followed(results: Path, tmp_path: Path) -> None:
    """Of a file, of a method's folder, of a suite's, and of itself."""
    (results / "nano-v1/uniform").rename(tmp_path / "uniform")
    (results / "nano-v1/uniform").symlink_to(tmp_path / "uniform")
    (results / "other-v1").symlink_to(tmp_path / "uniform")
    (results / "nano-v1/pcgrad/7.json").symlink_to("/etc/hostname")
    (results / "nano-v1/pcgrad/8.json").symlink_to(results / "nano-v1/pcgrad/8.json")
    with pytest.raises(UserError, match="is a link out of the store"):
        load(results)
    found = load(results, keep_going=True)
    assert shown(results) == GOOD[:2]
    assert [str(problem.file) for problem in found.left_out] == [
        "nano-v1/pcgrad/7.json",
        "nano-v1/pcgrad/8.json",
        "nano-v1/uniform",
        "other-v1",
    ]


def test_a_run_cannot_be_there_twice(results: Path) -> None:
    """A copy in a deeper folder would have the page of the first."""
    put(results / "deep/nano-v1/uniform/0.json", (results / "nano-v1/uniform/0.json").read_bytes())
    with pytest.raises(UserError, match=r"deep/nano-v1/uniform/0.json: field \(file\): lies deeper"):
        load(results)
    assert shown(results) == GOOD


@pytest.mark.parametrize("method", ["board.csv", "peer/0.html", "x.JSON"])
def test_a_method_may_not_be_called_like_a_file(
    results: Path, make_record: Callable[..., Any], save: Callable[..., Path], method: str
) -> None:
    save(results, make_record(method=method))
    with pytest.raises(UserError, match=r"field method.name: .* ends like a file of the site"):
        load(results)
    assert shown(results) == GOOD


@pytest.mark.parametrize(
    ("field", "change_of"),
    [
        ("protocol", {"protocol": 2}),
        ("model.digest", {"model": {"digest": "1" * 64}}),
    ],
)
def test_runs_that_are_not_comparable_do_not_share_a_table(
    results: Path, make_record: Callable[..., Any], save: Callable[..., Path], field: str, change_of: dict[str, Any]
) -> None:
    """Most runs decide what is usual, wherever the stranger's name stands in the alphabet."""
    save(results, make_record(method="aaa", **change_of))
    with pytest.raises(UserError, match=rf"aaa/0.json: field {field}: .* most runs of nano-v1 have"):
        load(results)
    assert shown(results) == GOOD


def test_two_suites_of_one_name_do_not_share_a_table(results: Path) -> None:
    """A changed suite has another digest, and with it another identity."""

    def other_suite(data: dict[str, Any]) -> None:
        data["suite"]["digest"] = "1" * 64
        data["identity"] = identity_of(data)

    change(results / TARGET, other_suite)
    with pytest.raises(UserError, match=r"field suite.digest: is 111111111111, most runs of nano-v1 have"):
        load(results)
    assert shown(results) == GOOD[1:]


def test_exploratory_runs_are_not_even_read(results: Path) -> None:
    put(results / "nano-v1~0123abcd/uniform/0.json", b"not a record")
    assert shown(results, keep_going=False) == GOOD


def test_one_suite_is_loaded_at_a_time(
    results: Path, make_record: Callable[..., Any], save: Callable[..., Path]
) -> None:
    save(results, make_record(suite="smoke-v1"))
    put(results / "smoke-v1/uniform/1.json", b"")
    assert suites(results) == ["nano-v1", "smoke-v1"]
    assert len(load(results, suite="nano-v1").runs) == 4
    assert len(load(results, keep_going=True, suite="smoke-v1").runs) == 1
    assert load(results, keep_going=True, suite="nano-v1").left_out == []
    (results / "elsewhere").symlink_to("/")
    beside = load(results, keep_going=True, suite="")
    assert (len(beside.runs), [str(problem.file) for problem in beside.left_out]) == (0, ["elsewhere"])


def test_a_problem_is_printable_and_short(results: Path) -> None:
    """Names of files and keys may hold escape sequences, line breaks, and what is no Unicode."""
    put(results / "nano-v1/uniform/\x1b[31m\udcff.json", b'{"%s": 1}' % (b"\\u001b\\n" * 500))
    (problem,) = load(results, keep_going=True).left_out
    assert str(problem).isprintable()
    put(results / "nano-v1/uniform/2.json", b'{"%s": 1, "%s": 2}' % ((b"x" * 1000,) * 2))
    assert all(len(problem.reason) <= LONGEST + 4 for problem in load(results, keep_going=True).left_out)
    with pytest.raises(UserError) as error:
        load(results)
    assert str(error.value).isprintable()


def test_the_list_says_nothing_of_the_machine(results: Path) -> None:
    put(results / TARGET, b"")
    assert not any(str(results.parent) in str(problem) for problem in load(results, keep_going=True).left_out)


def test_no_folder_is_a_user_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no folder .*absent with records"):
        load(tmp_path / "absent")
