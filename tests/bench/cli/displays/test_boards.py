"""The terminal's tables: the numbers of the board, escaped names, plain refusals."""

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from bench.analysis.board import board
from bench.analysis.figures import Figure, Report, Series, Table
from bench.analysis.rows import Board
from bench.analysis.runs import Run
from bench.cli.displays.boards import (
    board_json,
    board_of,
    comparison_json,
    report_json,
    show_comparison,
    show_leaderboard,
    show_report,
)
from bench.errors import UserError

ROWS = {"uniform": (4, 5, 6), "better": (8, 10, 12), "same": (4, 5, 6), "other_seeds": ()}
Make = Callable[..., Any]


@pytest.fixture
def small(make_record: Make) -> Board:
    """One task whose gains are in items of 40, and one on which nothing ever changes."""
    runs = [
        Run(Path(f"results/nano-v1/{method}/{seed}.json"), make_record(method=method, seed=seed, gains=[items, 0]))
        for method, gains in ROWS.items()
        for seed, items in enumerate(gains)
    ]
    stranger = make_record(method="other_seeds", seed=9, gains=[4, 0])
    failed = make_record(method="better", seed=3, gains=[4, 0], status="failed", reason="it broke")
    return board(
        [
            *runs,
            Run(Path("results/nano-v1/other_seeds/9.json"), stranger),
            Run(Path("results/nano-v1/better/3.json"), failed),
        ]
    )


def shown(show: Callable[[Console], None]) -> str:
    out = StringIO()
    show(Console(file=out, width=160, highlight=False))
    return out.getvalue()


def test_the_leaderboard_shows_every_row_and_what_it_lacks(small: Board) -> None:
    text = shown(lambda console: show_leaderboard(small, console))
    # 8, 10, 12 and a failure: mean 7.5 of 40 on one of two tasks
    assert "+0.094" in text
    assert "better: 1 of 4 runs not done, counted as no gain." in text
    assert "other_seeds: preliminary, without seed 0, 1, 2." in text
    assert all(f" {label} " in text for label in ROWS)
    assert "is found 80 % of the time by itself" in text
    assert "corrected for 2 comparisons" in text


POINTS = {"static+1": [1.0, 20.0, 1.0], "static+2": [3.5, 26.0, 2.0]}


@pytest.mark.parametrize(
    ("gains", "said"),
    [
        ((8, 7), "the best of 3 points, chosen on the other seeds, gains +0.050 [+0.050, +0.050] more than uniform"),
        ((2, 1), "of 3 points, none that the other seeds would choose gains more than uniform"),
    ],
)
def test_the_leaderboard_says_what_static_weights_reach_and_which_were_tried(
    make_record: Make, gains: tuple[int, int], said: str
) -> None:
    runs = [
        Run(Path(f"results/nano-v1/{label}/{seed}.json"), make_record(3, "static", seed, gains=[gain] * 3, use=use))
        for (label, weights), gain in zip(POINTS.items(), gains, strict=True)
        for seed in range(3)
        for use in [{"settings": {"weights": weights}}]
    ]
    reference = [
        Run(Path(f"results/nano-v1/uniform/{seed}.json"), make_record(3, "uniform", seed, gains=[6, 6, 6]))
        for seed in range(3)
    ]
    text = " ".join(shown(lambda console: show_leaderboard(board([*runs, *reference]), console)).split())
    assert f"Static weights: {said}. Tried beside equal ones: task_b \u00d720; weights 1.8 : 13 : 1." in text


def test_one_seed_shows_no_interval(make_record: Make) -> None:
    runs = [Run(Path(f"results/nano-v1/{name}/0.json"), make_record(method=name)) for name in ("uniform", "other")]
    text = shown(lambda console: show_leaderboard(board(runs), console))
    assert "\u00b1" not in text
    assert "no difference of any size" in text
    text = shown(lambda console: show_comparison(board(runs), ["other", "uniform"], console))
    assert "One seed says nothing about spread." in text


def test_a_comparison_is_paired_by_seed(small: Board) -> None:
    """Differences 4, 5, 6 of 40 on the first task, 0 on the second: mean 5/80, half-width 4.302653 / 80 / sqrt 3."""
    text = shown(lambda console: show_comparison(small, ["better", "uniform", "same"], console))
    assert text.count(" [+0.031, +0.094]") == 2
    assert "Seeds of both: 0, 1, 2. " in text
    assert "better minus uniform" in text
    assert "better minus same" in text
    data = comparison_json(small, ["better", "uniform"])["differences"][0]
    assert data["gain"] == {"mean": 0.0625, "low": 0.031448, "high": 0.093552, "n": 3}
    assert data["tasks"]["task_b"]["p"] == 1.0
    # t = 5 / (1 / sqrt 3) with 2 degrees of freedom: p = .013; the board has two methods, and two tasks each
    assert data["p"] == pytest.approx(2 * 0.013072, abs=2e-6)
    assert data["tasks"]["task_a"]["p"] == pytest.approx(4 * 0.013072, abs=4e-6)
    assert data["differing"] == []
    assert data["finding"] == "better gains more than uniform on the mean over tasks. No task differs for certain."
    assert data["runs"] == {"above": 3, "equal": 0, "below": 0}
    assert "better gains more in 3 of 3 runs; on 0.75" in text
    # task_a is won by every run, task_b a tie
    assert data["improvement"]["value"] == 0.75


def test_the_other_way_round_is_the_other_sign(small: Board) -> None:
    one, two = (
        comparison_json(small, labels)["differences"][0] for labels in (["better", "uniform"], ["uniform", "better"])
    )
    assert one["gain"]["low"] == -two["gain"]["high"]
    assert one["p"] == two["p"]
    assert one["improvement"]["value"] == 1 - two["improvement"]["value"]
    assert two["finding"].startswith("uniform gains less than better")


def test_a_pair_has_one_verdict_wherever_it_is_shown(small: Board) -> None:
    """The leaderboard's p, that of a comparison of two, of three, and the other way round."""
    row = small.row("better")
    assert row is not None
    for labels in (["better", "uniform"], ["better", "uniform", "same"], ["uniform", "better"]):
        assert comparison_json(small, labels)["differences"][0]["p"] == pytest.approx(row.p, abs=1e-6)


def test_an_unknown_suite_is_told_which_have_results(
    save: Callable[..., Any], make_record: Make, tmp_path: Path
) -> None:
    save(tmp_path, make_record())
    (tmp_path / ".claims").mkdir()
    with pytest.raises(UserError, match=r"no suite with results 'R8'.*lists all 1"):
        board_of(tmp_path, "R8")


def test_what_cannot_be_told_apart_is_not_called_different(small: Board) -> None:
    text = shown(lambda console: show_comparison(small, ["same", "uniform"], console))
    assert "same cannot be distinguished from uniform on the mean over tasks. No task differs for certain." in text


def test_without_a_common_seed_there_is_no_number(small: Board) -> None:
    text = shown(lambda console: show_comparison(small, ["uniform", "other_seeds"], console))
    assert "uniform and other_seeds share no seed; run both on the same seeds." in text
    json.dumps(comparison_json(small, ["uniform", "other_seeds"]), allow_nan=False)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (["bettr", "uniform"], "no method on nano-v1 'bettr'. Did you mean 'better'?"),
        (["better"], "two or more different methods"),
        (["better", "better"], "two or more different methods"),
        ([], "two or more different methods"),
    ],
)
def test_a_comparison_of_nothing_is_refused(small: Board, labels: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said.replace("?", "[?]")):
        comparison_json(small, labels)


def test_json_is_finite(small: Board) -> None:
    assert [row["method"] for row in board_json(small)["methods"]] == [row.label for row in small.rows]
    json.dumps(board_json(small), allow_nan=False)


HOSTILE = "[bold red]x[/bold red][/]"
SERIES = Series("a", (0.0, 1.0), (0.5, None))
REPORT = Report(
    "R1",
    "A title",
    "A question?",
    f"A finding on {HOSTILE}.",
    (Figure("f", "lines", "Figure", "what", "x", "y", (SERIES,), reading="A reading."),),
    (Table(("name", "value"), ((HOSTILE, 0.123456), ("b", None), ("c", float("inf"))), "A caption."),),
)


def test_a_report_shows_question_finding_and_tables() -> None:
    text = shown(lambda console: show_report([REPORT], console))
    for words in ("R1  A title", "A question?", "Figure: A reading.", "A caption.", "0.123"):
        assert words in text
    assert text.count(HOSTILE) == 2
    data = json.loads(json.dumps(report_json([REPORT]), allow_nan=False))["reports"][0]
    assert data["tables"][0]["rows"] == [[HOSTILE, 0.123456], ["b", None], ["c", None]]
    assert data["tables"][1]["rows"] == [["a", 0.0, 0.5], ["a", 1.0, None]]


def test_a_long_table_is_cut_with_a_word() -> None:
    table = Table(("n",), tuple((str(n),) for n in range(20)), "")
    text = shown(lambda console: show_report([Report("R2", "t", "q", "f", (), (table,))], console))
    assert "... and 8 more" in text


def test_a_report_without_data_says_why() -> None:
    empty = Report("R8", "t", "q", "", missing="No run.")
    assert "No run." in shown(lambda console: show_report([empty], console))


def test_a_suite_is_read_from_a_store(tmp_path: Path, make_record: Make, save: Callable[..., Path]) -> None:
    save(tmp_path, make_record())
    assert board_of(tmp_path, "nano-v1").name == "nano-v1"
    with pytest.raises(UserError, match=r"no suite with results 'nano-v2'. Did you mean 'nano-v1'"):
        board_of(tmp_path, "nano-v2")
    with pytest.raises(UserError, match="no suite with results"):
        board_of(tmp_path, "../x")
    with pytest.raises(UserError, match="no folder"):
        board_of(tmp_path / "absent", "nano-v1")
