"""Downloads: the same numbers as the board, and text that no program takes for code."""

import csv as csv_format
import io
import json as json_format
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.analysis.board import board
from bench.analysis.rows import Board
from bench.analysis.runs import Run
from leaderboard import downloads

ROOT = Path(__file__).parents[2]
Make = Callable[..., Any]


def run(make_record: Make, method: str = "uniform", seed: int = 0, **fields: Any) -> Run:
    record = make_record(method=method, seed=seed, **fields)
    return Run(Path(f"results/{record.suite.name}/{method}/{seed}.json"), record)


@pytest.fixture
def small(make_record: Make) -> Board:
    """uniform gains 4, 5, 6 of 40 on one task; better gains 8, 10, 12; broken failed once."""
    gains = {"uniform": (4, 5, 6), "better": (8, 10, 12), "broken": (20, 20)}
    runs = [
        run(make_record, method, seed, gains=[items])
        for method, each in gains.items()
        for seed, items in enumerate(each)
    ]
    failed = run(make_record, "broken", 2, gains=[20], status="failed", reason='=HYPERLINK("x"), it broke')
    return board([*runs, failed])


def table(text: str) -> dict[str, dict[str, str]]:
    return {line["method"]: line for line in csv_format.DictReader(io.StringIO(text))}


def test_csv_holds_the_numbers_worked_by_hand(small: Board) -> None:
    """better: mean 10/40; differences 4, 5, 6 of 40: mean 5/40, s = 1/40, half-width 4.302653 / 40 / sqrt 3."""
    better = table(downloads.csv(small))["better"]
    assert (better["gain"], better["gain.n"], better["seeds"]) == ("0.25", "3", "0 1 2")
    assert (better["difference"], better["difference.low"], better["difference.high"]) == (
        "0.125",
        "0.062897",
        "0.187103",
    )
    assert better["verdict"] == "better than uniform"
    assert better["group"] in {"1", "2"}


def test_a_failed_run_counts_and_is_told(small: Board) -> None:
    broken = table(downloads.csv(small))["broken"]
    assert (broken["gain"], broken["unfinished"]) == ("0.333333", "1")
    lines = [line for line in csv_format.DictReader(io.StringIO(downloads.runs_csv(small))) if line["status"] != "done"]
    assert [(line["method"], line["seed"], line["gain"]) for line in lines] == [("broken", "2", "0.0")]
    assert "3 (1 not done)" in downloads.markdown(small)


def test_every_format_says_the_same(small: Board) -> None:
    data = json_format.loads(downloads.json(small))
    better = next(row for row in data["methods"] if row["method"] == "better")
    assert better["difference"] == {"mean": 0.125, "low": 0.062897, "high": 0.187103, "n": 3}
    for text in (downloads.latex(small), downloads.markdown(small).replace("\\", "")):
        assert "+0.125 [+0.063, +0.187]" in text


def test_json_has_no_infinity(make_record: Make) -> None:
    """One seed has an interval without ends."""
    text = downloads.json(board([run(make_record), run(make_record, "other")]))
    assert "Infinity" not in text
    assert '"low": null' in text
    assert table(downloads.csv(board([run(make_record)])))["uniform"]["gain.low"] == ""


def test_one_line_a_run_and_task(make_record: Make) -> None:
    lines = downloads.runs_csv(board([run(make_record, seed=seed) for seed in range(2)])).splitlines()
    assert lines[0].startswith("method,seed,task,before,after,gain,status,reason,steps,prompts,")
    assert lines[1].startswith("uniform,0,task_a,0.25,0.35,0.1,done,,8,24,")
    assert len(lines) == 1 + 2 * 3


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_spreadsheet_does_not_run_a_text(small: Board, text: str) -> None:
    assert downloads._safe(text) == f"'{text}"
    assert downloads._safe(-1.0) == -1.0
    assert "\"'=HYPERLINK(" in downloads.runs_csv(small)


def test_negative_numbers_stay_numbers(make_record: Make) -> None:
    worse = board([run(make_record, seed=seed, gains=[gain]) for seed, gain in enumerate((-4, -5))])
    assert float(table(downloads.csv(worse))["uniform"]["gain"]) == pytest.approx(-0.1125)


HOSTILE = 'a_b%\\input{x}$|`<b>\n& ~^#"[x](y)'


def renamed(make_record: Make) -> Board:
    """A board whose label no reader of records would let in."""
    record = make_record()
    return board([Run(Path(f"results/nano-v1/{HOSTILE}/0.json"), record)])


def test_latex_takes_no_name_for_a_command(make_record: Make) -> None:
    text = downloads.latex(renamed(make_record))
    assert r"a\_b\%\textbackslash{}input\{x\}\$\textbar{}`\textless{}b\textgreater{} \& \textasciitilde{}" in text
    assert "booktabs" not in text
    assert all(line.startswith("%") for line in text.splitlines()[:2])


def test_markdown_takes_no_name_for_a_table_or_a_tag(make_record: Make) -> None:
    row = downloads.markdown(renamed(make_record)).splitlines()[2]
    assert row.startswith(r"| a\_b%\\input{x}$\|\`&lt;b> &amp; \~^#" + r'"\[x\](y) | ')
    assert row.replace(r"\|", "").count("|") == len(downloads.COLUMNS) + 1


def test_the_entry_to_cite_needs_no_clock(small: Board) -> None:
    entry = downloads.bibtex(small, "0.1.0")
    assert entry.startswith("@misc{balancebench-nano-v1,\n")
    assert "year = {2026}" in entry
    assert entry.count("{") == entry.count("}")


def test_files_are_the_same_bytes_whatever_the_order(small: Board) -> None:
    again = board([run for row in reversed(small.rows) for run in reversed(row.runs)])
    found = downloads.files(small)
    assert found == downloads.files(again)
    names = ("board.bib", "board.csv", "board.json", "board.md", "board.tex", "runs.csv")
    assert sorted(found) == [f"data/nano-v1/{name}" for name in names]


def test_the_command_prints_a_suite_and_refuses_others() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "leaderboard.downloads", "nano-v3"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.returncode == 2
    assert "Did you mean 'nano-v" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nano-v1", "bibtex"], 0, "@misc{balancebench-nano-v1"),
        (["nano-v1", "latx"], 2, "Did you mean 'latex'?"),
        (["nano-v1"], 0, "method,verdict,"),
        ([], 2, "lists all 1."),
    ],
)
def test_a_format_is_printed(
    make_record: Make,
    save: Make,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: list[str],
    code: int,
    said: str,
) -> None:
    save(tmp_path, make_record())
    assert downloads.main(words, tmp_path) == code
    assert said in "".join(capsys.readouterr())
