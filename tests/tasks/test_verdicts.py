"""The verdicts that `python -m tests.verdicts` prints: none is wrong."""

from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from tasks import DataTask, Row, Split, Task
from tasks._registry import all_tasks
from tasks.diagnostic._coin import Coin
from tests import verdicts

TABLES = verdicts.tables()


@pytest.mark.parametrize("title", TABLES)
def test_no_pair_is_misjudged(title: str) -> None:
    found = verdicts.count(TABLES[title])
    assert found.refused == found.accepted == []
    assert min(found.right, found.wrong) >= 15


def test_the_public_tables_are_as_large_as_the_reports_that_they_hold() -> None:
    assert len(TABLES["public reports"]) >= 65
    assert len(TABLES["Hendrycks, Minerva and math-verify spellings"]) >= 248
    assert len(TABLES["GSM8K replies"]) >= 129


def test_no_pair_is_both_right_and_wrong() -> None:
    for pairs in TABLES.values():
        sides: dict[Any, bool] = {}
        for pair in pairs:
            key = (pair.row.answer, pair.row.prompt, pair.reply)
            assert sides.setdefault(key, pair.right) == pair.right, key


def test_mutants_differ_in_one_character() -> None:
    assert set(verdicts.changed("(-1")) == {"[-1", "(+1", "(-2", "(-8"}
    rows = [Row("math", "heldout", 0, "p", answer, {}) for answer in ("12", "(1,2)")]
    made = verdicts.mutants(rows)
    assert len(made) == 10
    assert not any(pair.right for pair in made)


def rows_of(name: str, root: Path) -> list[Row]:
    rows: list[Row] = verdicts.real_rows(name, root)
    if not rows:
        pytest.skip(f"no real copy of {name} is at hand")
    return rows


def test_no_mutant_of_a_real_answer_is_accepted(real_data: Path) -> None:
    """Of 8,000; those that are equal to the answer are accepted."""
    found = verdicts.count(verdicts.mutants(rows_of("math", real_data)))
    assert found.right + found.wrong >= 8000
    assert found.refused == found.accepted == []


def test_no_formula_of_a_problem_is_accepted_unless_it_is_the_answer(real_data: Path) -> None:
    found = verdicts.count(verdicts.copies(rows_of("math500", real_data)))
    assert found.wrong > 1000
    assert found.refused == found.accepted == []


JUDGED = [task for task in all_tasks().values() if not isinstance(task, Coin)]
"""All tasks but those whose reward is a coin."""


@pytest.mark.parametrize("task", JUDGED, ids=str)
def test_the_prompt_is_no_answer(task: Task) -> None:
    """Neither all of it, nor what a reply of limited length repeats of it, nor its end."""
    split: Split = "heldout" if not isinstance(task, DataTask) or "heldout" in task.mirror else "train"
    rows = list(islice(task.stream(split), 20))
    assert rows

    for row in rows:
        lines = row.prompt.splitlines()
        starts = ["\n".join(lines[:count]) for count in range(2, len(lines) + 1)]
        ends = ["\n".join(lines[-count:]) for count in range(1, min(len(lines), 10) + 1)]
        for copy in {row.prompt, *starts[-20:], *ends}:
            assert task.verify(copy, row) == 0.0, copy


def test_the_command_fails_if_a_verdict_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    case = {"source": "s", "gold": "5", "right": ["5"], "wrong": ["6"]}
    good = list(verdicts.pairs_of({"task": "math", "boxed": True, "case": [case]}))
    bad = list(verdicts.pairs_of({"task": "math", "boxed": True, "case": [{**case, "right": ["6"], "wrong": ["5"]}]}))

    monkeypatch.setattr(verdicts, "DATA", tmp_path)
    monkeypatch.setattr(verdicts, "real_rows", lambda _: [])
    monkeypatch.setattr(verdicts, "tables", lambda: {"pairs": good})
    assert verdicts.main() == 0
    assert "they were left out" in capsys.readouterr().out

    monkeypatch.setattr(verdicts, "tables", lambda: {"pairs": bad})
    assert verdicts.main() == 1
    printed = capsys.readouterr().out
    assert "refused though right (s): '5' <- " in printed
    assert "accepted though wrong (s): '5' <- " in printed
