"""The page of findings is what the command makes from the committed records."""

import re
from itertools import combinations

import pytest

from bench.analysis.across import FEWEST, across, scores_of
from bench.analysis.board import boards
from bench.analysis.loading import load
from bench.analysis.names import readable
from bench.analysis.rows import Board
from leaderboard import findings


@pytest.fixture(scope="module")
def found() -> list[Board]:
    return boards(load(findings.ROOT / "results").runs)


@pytest.fixture(scope="module")
def sections(found: list[Board]) -> list[tuple[Board, list[str]]]:
    """Each board with the paragraphs of its section, which compute twelve reports."""
    return [(board, list(findings.suite_findings(board))) for board in found]


def test_the_page_is_what_the_command_writes() -> None:
    assert findings.PAGE.read_text("utf-8") == findings.findings(), "write it again: python -m leaderboard.findings"


def test_every_method_with_a_verdict_is_named_under_it(sections) -> None:
    for board, paragraphs in sections:
        for verdict in ("better", "worse"):
            counted = [row for row in board.rows if row.verdict.startswith(verdict) and not row.specialists]
            rows = [readable(row.runs[0]) for row in counted]
            named = [text for text in paragraphs if text.startswith(f"{verdict.capitalize()} than")]
            assert len(named) == bool(rows)
            assert all(f"{name} " in named[0] for name in rows)
            if rows:
                assert named[0].count("[") == len(rows)


def test_every_method_that_is_faster_or_slower_for_certain_is_named(sections) -> None:
    for board, paragraphs in sections:
        for side, sign in (("Faster", 1), ("Slower", -1)):
            rows = [row for row in board.rows if row.area_difference and not row.static and row.area_p is not None]
            clear = {
                readable(row.runs[0]) for row in rows if row.area_p <= 0.05 and sign * row.area_difference.mean > 0
            }
            said = [text for text in paragraphs if text.startswith(f"{side} than")]
            assert len(said) == bool(rows), "under imitation no reward is measured while training"
            assert all(f"{name} " in said[0] for name in clear)
            assert sum(text.count("[") for text in said) == len(clear)


def test_every_reproduction_is_counted() -> None:
    files = list((findings.ROOT / "reproductions").rglob("*.json"))
    said = "".join(findings.made_again(findings.ROOT / "results"))
    assert sum(int(count) for count in re.findall(r"(\d+) runs? of ", said)) == len(files)
    assert all(f"{file.parent.name}/{file.name.split('.')[0]}" in said for file in files)


def shared_methods(found: list[Board]) -> list[set[str]]:
    """Labels of complete rows of one model, by pair of suites."""
    each = [{row.label for row in board.rows if not row.missing and not row.specialists} for board in found]
    return [one & other for one, other in combinations(each, 2)]


def test_every_pair_of_suites_has_its_agreement(found: list[Board]) -> None:
    compared = across([scores_of(board) for board in found])
    said = "".join(findings.agreement(found))
    assert bool(said) == (compared is not None)
    pairs = compared.agreement if compared else ()
    assert all(f"{pair.first} and {pair.second}: " in said for pair in pairs)
    assert len(pairs) == sum(len(shared) >= FEWEST for shared in shared_methods(found))
