"""What the code tasks take for right, beside what holds for every task."""

import json
from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset

from bench.errors import UserError
from tasks import DataTask, Row, data_hash
from tasks._data import load
from tasks._registry import get_task
from tasks.code import cruxeval
from tasks.code._program import fenced

CODE = ["cruxeval", "humaneval", "mbpp", "r1_code"]


def task(name: str) -> DataTask:
    found = get_task(name)
    assert isinstance(found, DataTask)
    return found


@pytest.fixture
def rows(hand_written: Path) -> Any:
    """All hand-written rows of a task whose prompt holds a text."""
    return lambda name, text: [
        row for split in load(task(name), hand_written).values() for row in split if text in row.prompt
    ]


@pytest.mark.parametrize("name", CODE)
def test_both_origins_give_the_same_rows(name: str, hand_written: Path, tmp_path: Path) -> None:
    each = task(name)
    for part in set(each.hub.splits.values()):
        rows = json.loads((hand_written / name / "hub" / f"{part}.json").read_text())
        folder = tmp_path / name / (each.hub.config or "data")
        folder.mkdir(parents=True, exist_ok=True)
        Dataset.from_list(rows).to_parquet(folder / f"{part}-00000-of-00001.parquet")
    assert load(each, tmp_path) == load(each, hand_written)
    assert data_hash(load(each, tmp_path)["heldout"]) == data_hash(load(each, hand_written)["heldout"])


@pytest.mark.parametrize(
    ("name", "file", "row", "message"),
    [
        ("mbpp", "mbpp.jsonl", {"task_id": "1"}, "line 1: field 'task_id' should be a whole number, but is '1'"),
        ("humaneval", "HumanEval.jsonl", {"task_id": "1", "prompt": 1}, "field 'prompt' should be text, but is 1"),
        (
            "cruxeval",
            "cruxeval.jsonl",
            {"code": "", "input": "", "output": "x + 1", "id": "a"},
            "field 'output' should be a Python literal, but is 'x . 1'",
        ),
        (
            "r1_code",
            "train.jsonl",
            {"prompt": "p"},
            "field 'prompt' should be a list of an object with 'role', 'content'",
        ),
    ],
)
def test_a_row_off_the_schema_is_told(name: str, file: str, row: Any, message: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / file).write_text(json.dumps(row))
    with pytest.raises(UserError, match=message):
        load(task(name), tmp_path)


# --- mbpp ---


def test_mbpp_shows_one_assertion_and_runs_all(rows: Any) -> None:
    row = rows("mbpp", "double every number")[0]
    assert row.prompt.count("assert") == 1
    assert row.facts["tests"].count("assert") == 3
    listed = "def double_all(v):\n    return {(1, 2): [2, 4]}[tuple(v)]"  # right where it is shown
    assert task("mbpp").verify(fenced(listed), row) == 0.0


def test_mbpp_keeps_the_published_splits(hand_written: Path) -> None:
    found = load(task("mbpp"), hand_written)
    assert {split: len(found[split]) for split in found} == {"train": 4, "heldout": 3}


def test_mbpp_takes_classes_setup_and_names_of_builtins(rows: Any) -> None:
    for text in ("class Link", "depth of a tree", "add two numbers"):
        row = rows("mbpp", text)[0]
        assert task("mbpp").verify(row.answer, row) == 1.0


def test_a_reply_that_cannot_define_what_is_asked_is_not_run(rows: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("mbpp", "humaneval", "r1_code"):
        monkeypatch.setattr(f"tasks.code.{name}.passes", lambda *_, **__: pytest.fail("it was run"))
    monkeypatch.setattr("tasks.code.r1_code.prints", lambda *_, **__: pytest.fail("it was run"))
    for name in ("mbpp", "humaneval", "r1_code"):
        for row in rows(name, ""):
            assert {task(name).verify(reply, row) for reply in ("", "while 1: pass", "I cannot.", "```")} == {0.0}


# --- humaneval ---


def test_humaneval_takes_a_program_or_the_rest_of_the_body(rows: Any) -> None:
    row = rows("humaneval", "largest of some numbers")[0]
    verify = task("humaneval").verify
    body = "    return max(values)\n"
    assert verify(body, row) == 1.0
    assert verify(fenced(body), row) == 1.0
    assert verify(fenced(f"def largest(values: List[int]):\n{body}"), row) == 1.0  # List is imported by the prompt
    assert verify("return max(values)", row) == 0.0
    assert verify("    return 3", row) == 0.0


def test_humaneval_s_helpers_are_not_the_program_s(rows: Any) -> None:
    row = rows("humaneval", "Undo shift")[0]
    cheat = "def shift(text):\n    return text\n\n\ndef unshift(text):\n    return text"
    assert task("humaneval").verify(fenced(cheat), row) == 0.0


def test_humaneval_is_for_evaluation_only() -> None:
    with pytest.raises(UserError, match="'humaneval' has no train rows: it is not for training"):
        task("humaneval").rows("train", 1)


# --- cruxeval ---


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ("[1]", "[1]"),
        ("So it is\n[1]", "[1]"),
        ("Answer: [1]", "[1]"),
        ("answer: no.\nAnswer: `'a b'`\nThat is all.", "'a b'"),
        ("", ""),
        ("Answer:", ""),
    ],
)
def test_where_an_answer_is_read(reply: str, answer: str) -> None:
    assert cruxeval.answer_of(reply) == answer


def test_an_answer_is_a_literal_and_nothing_that_computes_it(rows: Any) -> None:
    row = rows("cruxeval", "text.upper()")[0]
    verify = task("cruxeval").verify
    assert verify('"IT\'S"', row) == verify("Answer: 'IT\\'S'", row) == 1.0
    assert verify("'it\\'s'.upper()", row) == verify("f('it\\'s')", row) == verify("IT'S", row) == 0.0


# --- r1_code ---


def row_of(hand: Path, **fields: Any) -> list[Row]:
    base = json.loads((hand / "r1_code" / "train.jsonl").read_text().splitlines()[0])
    draft = task("r1_code").draft({**base, **fields})
    return [Row("r1_code", "train", 0, draft.prompt, draft.answer, draft.facts)] if draft else []


def truth(**value: Any) -> dict[str, str]:
    return {"ground_truth": json.dumps(value)}


def test_r1_code_leaves_out_what_it_cannot_judge(hand_written: Path) -> None:
    assert row_of(hand_written)
    assert not row_of(hand_written, extra_info={"reference": ""})
    assert not row_of(hand_written, reward_model=truth(inputs=[], outputs=[]))
    assert not row_of(hand_written, reward_model=truth(functional="assert same_tree(Solution().f(), tree([1]))"))


def test_r1_code_runs_helpers_of_the_row_beside_the_tests(hand_written: Path) -> None:
    tests = "assert same(Solution().f(make(2)), 4)"
    prefix = "def make(n): return n\ndef same(a, b): return a == b"
    (row,) = row_of(
        hand_written,
        reward_model=truth(functional=tests),
        extra_info={"reference": "class Solution:\n    def f(self, n): return make(n) * 2", "prefix": prefix},
    )
    verify = task("r1_code").verify
    assert verify(task("r1_code").solution(row), row) == 1.0
    cheat = "def same(a, b): return True\nclass Solution:\n    def f(self, n): return 0"
    assert verify(fenced(cheat), row) == 0.0


def test_r1_code_compares_lines_without_the_space_around_them(hand_written: Path) -> None:
    (row,) = row_of(hand_written, reward_model=truth(inputs=["2"], outputs=["a \nb\n\n"]))
    verify = task("r1_code").verify
    assert verify("print(' a')\nprint('b')", row) == 1.0
    assert verify("print('a b')", row) == 0.0


@pytest.mark.parametrize(
    "text", ["no json", "[]", '{"inputs": ["1"]}', '{"inputs": [1], "outputs": ["1"]}', "[" * 10**5]
)
def test_r1_code_tells_tests_that_are_off_the_schema(text: str, tmp_path: Path, hand_written: Path) -> None:
    row = json.loads((hand_written / "r1_code" / "train.jsonl").read_text().splitlines()[0])
    row["reward_model"]["ground_truth"] = text
    (tmp_path / "r1_code").mkdir()
    (tmp_path / "r1_code" / "train.jsonl").write_text(json.dumps(row))
    with pytest.raises(UserError, match=r"line 1: field 'reward_model\.ground_truth"):
        load(task("r1_code"), tmp_path)
