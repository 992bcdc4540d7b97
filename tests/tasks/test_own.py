"""Tasks of a user's own: each verifier by one word, and every way in which their code can go wrong."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from bench.request.own import task_file
from tasks import Row, Task
from tasks._base import split_of
from tasks._contract import RULES
from tasks._own import own_task

CODE = """
from tasks import Draft, ProceduralTask, Row

class Mine(ProceduralTask):
    name = "mine"
    domain = "math"
    revision = 1
    summary = "A sentence."
    chance = 0.0
    max_reply_tokens = 4

    def draw(self, rng):
        a = rng.randint(0, 99_999)
        return Draft(f"{a}=", str(a))

    def verify(self, reply, row):
        BODY

    def slip(self, row, rng):
        return f"{row.answer}0"
"""
GOOD = "return float(reply.strip() == row.answer)"


def own(entry: str, folder: Path) -> Task:
    name, file = task_file(entry, folder)
    return own_task(name, Path(file.path), file.verifier)


def coded(folder: Path, body: str) -> Task:
    (folder / "mine.py").write_text(CODE.replace("BODY", body))
    return own("mine.py", folder)


def rows(folder: Path, verifier: str, *lines: dict[str, Any]) -> Task:
    """A task whose first lines are these, with enough others for both splits."""
    (folder / "mine.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return own(f"mine.jsonl:{verifier}", folder)


def row_of(task: Task, prompt: str) -> Row:
    return next(row for row in task.stream(split_of(prompt)) if row.prompt == prompt)


def test_a_file_of_python_keeps_the_contract(tmp_path: Path) -> None:
    task = coded(tmp_path, GOOD)
    assert [rule.name for rule in RULES if rule.violations(task)] == []


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("pass", "returned None for the reply"),
        ("return float('nan')", "returned nan"),
        ("return .5", "returned 0.5"),
        ("return 2", "returned 2"),
        ("return '1'", "returned '1'"),
        ("return [1]", "returned list"),
        ("return 1 / 0", "line 17: ZeroDivisionError: division by zero"),
        ("return reply.answer", "AttributeError"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_a_verifier_that_breaks_the_rule_is_named_with_it(tmp_path: Path, body: str, said: str) -> None:
    task = coded(tmp_path, body)
    with pytest.raises(UserError) as error:
        task.verify("a reply", task.rows("train", 1)[0])
    assert "task 'mine'" in str(error.value)
    assert said in str(error.value)
    assert "A verdict is 1.0 for a right reply and 0.0 for any other" in str(error.value)
    assert "right replies" in [rule.name for rule in RULES if rule.violations(task)]


@pytest.mark.parametrize("body", ["return reply.strip() == row.answer", "return int(reply.strip() == row.answer)"])
def test_truth_and_whole_numbers_are_verdicts(tmp_path: Path, body: str) -> None:
    task = coded(tmp_path, body)
    row = task.rows("train", 1)[0]
    assert [task.verify(row.answer, row), task.verify("no", row)] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('name = "mine"', 'name = "other"'), "called 'other' and its file 'mine'"),
        (("    revision = 1\n", ""), "has no revision"),
        (("def slip", "def slop"), "lacks slip"),
        (("rng.randint(0, 99_999)", "rng.nothing"), "its train rows cannot be drawn: it raised"),
        (("class Mine(", "class Mine"), "SyntaxError"),
        (("class Mine(", "class _Mine("), "must have one class derived"),
    ],
)
def test_a_broken_file_is_one_clear_sentence(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    (tmp_path / "mine.py").write_text(CODE.replace("BODY", GOOD).replace(*change))
    with pytest.raises(UserError) as error:
        own("mine.py", tmp_path).rows("train", 1)
    assert said in str(error.value)
    assert "mine" in str(error.value)


@pytest.mark.parametrize(
    ("verifier", "answer", "right", "wrong"),
    [
        ("number", 12, "so it is 12", "13"),
        ("number", "1,200", "#### 1200", "1201"),
        ("choice", "B", "Answer: B", "Answer: C"),
        ("exact", "Ann Lima", " Ann Lima\n", "ann lima"),
        ("formula", "x+1", "\\boxed{1+x}", "\\boxed{x}"),
        ("python-tests", ["assert f(1) == 2"], "```python\ndef f(x):\n    return 2 * x\n```", "def f(x): return x"),
    ],
)
def test_every_word_verifies(tmp_path: Path, verifier: str, answer: Any, right: str, wrong: str) -> None:
    task = rows(tmp_path, verifier, {"prompt": "A question?", "answer": answer})
    row = row_of(task, "A question?")
    assert [task.verify(right, row), task.verify(wrong, row), task.verify("", row)] == [1.0, 0.0, 0.0]
    if verifier != "python-tests":
        assert task.verify(task.solution(row), row) == 1.0


def test_a_function_gets_the_whole_line(tmp_path: Path) -> None:
    (tmp_path / "check.py").write_text("def score(reply, row): return len(reply) <= row.facts['most']")
    task = rows(tmp_path, "check.py:score", {"prompt": "Be short.", "answer": "yes", "most": 3})
    row = row_of(task, "Be short.")
    assert [task.verify("yes", row), task.verify("yes, of course", row)] == [1.0, 0.0]


@pytest.mark.parametrize(
    ("verifier", "line", "said"),
    [
        ("number", {"prompt": "p", "answer": "many"}, "line 1: the answer 'many' is not a number"),
        ("choice", {"prompt": "p", "answer": "C", "options": ["x", "y"]}, "not the letter of an option"),
        ("exact", {"prompt": "p", "answer": ""}, "not a text"),
        ("python-tests", {"prompt": "p", "answer": "assert ("}, "not assertions of Python"),
        ("exact", {"prompt": "p"}, "has no `answer`"),
        ("exact", {"answer": "a"}, "has no `prompt`"),
        ("exact", {"prompt": "p", "answer": "a"}, "none is in the"),
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, verifier: str, line: dict[str, Any], said: str) -> None:
    task = rows(tmp_path, verifier, line)
    with pytest.raises(UserError, match=r"mine\.jsonl") as error:
        _ = task.rows("train", 4), task.rows("heldout", 4)
    assert said in str(error.value)


def test_the_splits_are_those_of_every_task(tmp_path: Path) -> None:
    lines = [{"prompt": f"{number}?", "answer": "a"} for number in range(200)]
    task = rows(tmp_path, "exact", *lines, *lines)
    found = {split: task.rows(split, 1000) for split in ("train", "heldout")}
    assert sum(map(len, found.values())) == 200
    assert all(split_of(row.prompt) == split for split, some in found.items() for row in some)
    assert [rule.name for rule in RULES if rule.name != "wrong replies" and rule.violations(task)] == []
