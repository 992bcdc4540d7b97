"""The text of a pull request: numbers of the board, and nothing of a record that Markdown would read."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.board import board
from bench.analysis.runs import Run
from bench.contributing.pull_request import LONGEST, cell, code, text_of
from bench.contributing.submit import Contribution
from bench.records.reproductions import Spread, compare
from bench.records.rules import Problem
from bench.records.schema import Record

MakeRecord = Callable[..., Record]
HOSTILE = "`x` <img src=x onerror=alert(1)> @somebody fixes #1 [a](javascript:b) | ``` **b** https://example.org"
SPAN = re.compile(r"(`+)(?!`)(.*?)(?<!`)\1(?!`)", re.DOTALL)


def outside(markdown: str) -> str:
    """What is left of a text without its code spans, as CommonMark finds them."""
    return SPAN.sub("", markdown)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain", "`plain`"),
        ("", "-"),
        ("a`b", "`` a`b ``"),
        ("```", "```` ``` ````"),
        ("a\nb\tc", "`a b c`"),
        ("a\x1b[31mb\u202e", "`a [31mb`"),
        ("x" * 400, f"`{'x' * LONGEST} ...`"),
        (3, "`3`"),
    ],
)
def test_text_is_one_code_span(text: object, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize("text", [HOSTILE, "`" * 50, "` ``", "\\`", "a`", "`a", "\\"])
def test_nothing_ends_a_span(text: str) -> None:
    assert outside(f"before {code(text)} after") == "before  after"


def test_a_bar_ends_no_cell() -> None:
    assert cell("a|b") == "`a\\|b`"
    assert not re.search(r"(?<!\\)\|", cell(HOSTILE))


@pytest.fixture
def found(tmp_path: Path, make_record: MakeRecord) -> tuple[Contribution, list[Run]]:
    """Two seeds of a method whose author wrote everything by hand, of three that uniform has, and a reproduction."""
    card = dict.fromkeys(("title", "summary", "source", "differs", "costs"), HOSTILE)
    use = {"card": card, "settings": {"rate": HOSTILE[:80]}}
    made = {"hardware": HOSTILE, "packages": {"torch": HOSTILE, "trl": "1.16.0"}}
    records = [make_record(method="mine", seed=seed, gains=[9, 9, 9], use=use, provenance=made) for seed in (0, 1)]
    runs = [Run(tmp_path / f"results/nano-v1/mine/{each.seed}.json", each) for each in records]
    peers = [Run(Path(f"results/nano-v1/uniform/{seed}.json"), make_record(seed=seed)) for seed in range(3)]
    again = compare(records[0], records[0], "mine", Spread())
    remark = Problem(tmp_path / "results/x.json", "seed", HOSTILE, "Look.", "warning")
    files = {f"results/nano-v1/mine/{seed}.json": "new" for seed in (0, 1)} | {f"methods/{HOSTILE}.py": "new"}
    contribution = Contribution(tmp_path, files, [(run.path, run.record) for run in runs], [again], [], [remark])
    return contribution, [*runs, *peers]


def test_what_a_stranger_wrote_stands_in_code_spans(found: tuple[Contribution, list[Run]]) -> None:
    contribution, runs = found
    text = text_of(contribution, lambda _: board(runs))
    assert "<img" in text
    left = outside(text)
    for sign in ("<", "@", "javascript", "https", "fixes", "#1"):
        assert sign not in left


def test_the_comparison_is_that_of_the_board(found: tuple[Contribution, list[Run]]) -> None:
    contribution, runs = found
    made = board(runs)
    text = text_of(contribution, lambda _: made)
    row = made.row("mine")
    assert row is not None
    assert row.difference is not None
    for part in (
        "## `mine` on `nano-v1`",
        f"| mean | {row.gain.mean:+.3f}",
        f"{row.difference.mean:+.3f}",
        "seeds in this pull request: 0, 1; **seeds that are missing: 2, 3, 4**",
        "- 2 records\n- 1 reproduction",
        "| `nano-v1/mine/0` | bitwise |",
        "**not in** the history of this branch",
        "- warning: `results/x.json`, `seed`: ",
        "- [x] no record was made with uncommitted changes",
        "- [ ] every run that was started is here",
    ):
        assert part in text


def test_a_run_that_failed_is_said(tmp_path: Path, make_record: MakeRecord) -> None:
    record = make_record(method="mine", status="failed", reason="it broke")
    run, peer = (Run(tmp_path / f"results/nano-v1/{each.method.name}/0.json", each) for each in (record, make_record()))
    contribution = Contribution(tmp_path, {"results/nano-v1/mine/0.json": "new"}, [(run.path, record)], [], [])
    text = text_of(contribution, lambda _: board([run, peer]))
    assert "**1 of 1 runs are not done and count as no gain**" in text


def test_methods_alone_have_a_text_too(tmp_path: Path) -> None:
    found = Contribution(tmp_path, {"methods/mine.py": "new", "tests/golden/trajectories.json": "changed"}, [], [], [])
    text = text_of(found, lambda name: pytest.fail(name))
    assert "- new: `methods/mine.py`" in text
    assert found.title == "Methods: mine"


def names(text: Any) -> list[str]:
    return re.findall(r"^## (.*)$", text, re.MULTILINE)


def test_sections_without_content_are_left_out(tmp_path: Path) -> None:
    found = Contribution(tmp_path, {"methods/mine.py": "new"}, [], [], [])
    assert names(text_of(found, lambda name: pytest.fail(name))) == ["1 file", "Checklist"]
