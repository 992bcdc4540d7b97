"""The front of the README is what the command makes from the committed records."""

import xml.etree.ElementTree as ET

import pytest

from bench.analysis.rows import Board
from bench.analysis.runs import REFERENCE
from leaderboard import front
from methods._registry import cards


@pytest.fixture(scope="module")
def board() -> Board:
    return front.board_of()


def test_the_readme_holds_what_the_command_writes(board: Board) -> None:
    text = front.PAGE.read_text("utf-8")
    assert front.BEGIN in text
    assert front.page(text, board) == text, "write it again: python -m leaderboard.front"
    assert front.PICTURE.read_text("utf-8") == front.picture(board), "write it again: python -m leaderboard.front"


def test_the_command_prints_the_table_of_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    front.main(["table"])
    printed = capsys.readouterr().out
    assert printed in front.PAGE.read_text("utf-8")
    assert printed.count("\n") == 2 + len(front.shown(front.board_of()))


def test_a_long_table_shows_its_ends_and_the_reference(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a short one everything."""
    monkeypatch.setattr(front, "BEST", 2)
    monkeypatch.setattr(front, "LAST", 1)
    rows = front.by_default(board)
    assert [row.label for row in front.shown(board)] == [rows[0].label, rows[1].label, REFERENCE, rows[-1].label]

    monkeypatch.setattr(front, "BEST", len(rows))
    assert front.shown(board) == rows
    assert all("+" not in row.label for row in rows)


def test_the_picture_stands_alone(board: Board) -> None:
    """It is well-formed, names its task points, and asks for nothing outside itself."""
    text = front.picture(board)
    root = ET.fromstring(text)
    named = {node.text for node in root.iter("{http://www.w3.org/2000/svg}text") if node.get("class") == "name"}
    assert named == {task.name for task in board.tasks}
    assert "href" not in text
    assert "url(" not in text


def test_the_readme_counts_the_methods() -> None:
    """Members of other libraries' families are not files of this project."""
    own = [name for name in cards() if "/" not in name]
    assert f" {len(own)} of them, each one file" in " ".join(front.PAGE.read_text("utf-8").split())
