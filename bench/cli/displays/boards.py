"""What the terminal shows of the leaderboard: a suite's board, methods against each other, the reports.

The numbers are those of the site. Names come from records, so they are escaped.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.analysis.board import boards
from bench.analysis.comparison import Difference, compare, comparison_data
from bench.analysis.cost import CURRENCIES
from bench.analysis.figures import Cell, Report
from bench.analysis.figures import Table as Shown
from bench.analysis.loading import load, suites
from bench.analysis.names import tried
from bench.analysis.plain import board_data, number
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.significance import ALPHA
from bench.analysis.statistics import Interval
from bench.analysis.text import p_value, plural, signed, with_ends
from bench.cli.displays.terminal import Listing
from bench.errors import UserError, unknown

ROWS = 12
"""Rows of a report's table that the terminal shows; the site and --json have all."""


def board_of(results: Path, suite: str) -> Board:
    """The board of one suite of a store. UserError if it has no runs of it, or a record is broken."""
    runs = load(results, suite=suite).runs if results.is_dir() else load(results).runs
    if not runs:
        raise unknown("suite with results", suite, set(suites(results)) - {suite}, f"ls {results}")
    return boards(runs)[0]


def board_json(board: Board) -> dict[str, Any]:
    """The board as JSON takes it."""
    return board_data(board)


def comparison_json(board: Board, labels: Sequence[str]) -> dict[str, Any]:
    """The comparison as JSON takes it. UserError as `show_comparison`."""
    return comparison_data(compare(board, labels))


def report_json(reports: Iterable[Report]) -> dict[str, Any]:
    """All reports as JSON takes them: findings and every table, those of the figures included."""
    return {"reports": [_report_data(report) for report in reports]}


def chosen_reports(reports: Sequence[Report], keys: Sequence[str]) -> list[Report]:
    """The reports of these keys, all if there are none. UserError for a key that no report has."""
    known = {report.key: report for report in reports}
    for key in keys:
        if key not in known:
            raise UserError(f"there is no report {key}. Reports are {', '.join(known)}.")
    return [known[key] for key in keys or known]


def show_leaderboard(board: Board, console: Console) -> None:
    """One row a method, the largest mean gain first, and what so many seeds can tell apart."""
    table = Listing(title=f"{escape(board.name)}: {_size(board)}", title_justify="left")
    table.sparing("area", "worst task", "seeds", "p", "group")
    table.add_column("method", overflow="fold")
    for heading in ("mean gain", f"minus {REFERENCE}", "p", "worst task", "area", "seeds", "group"):
        table.add_column(heading, justify="right", no_wrap=True)

    table.add_column("verdict", no_wrap=True)
    for row in board.rows:
        table.add_row(*_leaderboard_cells(row))

    console.print(table)
    console.print(
        f"Held-out gain over tasks and seeds, minus {REFERENCE} paired by seed, with 95 % intervals over seeds; p and "
        f"verdict corrected for {plural(board.comparisons, 'comparison')}. Area: mean training reward over the run, "
        f"minus {REFERENCE}; * where it counts after correction. "
        "Methods of one group are not distinguishable from its best."
    )
    found = number(board.detectable)
    console.print(
        "So few seeds show no difference of any size."
        if found is None
        else f"A true difference of {found:.3f} is found 80 % of the time by itself, one of "
        f"{board.detectable_corrected:.3f} after correction."
    )

    if said := _static(board):
        console.print(said)

    for row in board.rows:
        if row.unfinished or row.missing:
            console.print(_lack(row))


def show_comparison(board: Board, labels: Sequence[str], console: Console) -> None:
    """The first method minus each of the others: mean, tasks, cost. UserError for a label that is not on the board."""
    comparison = compare(board, labels)
    for difference in comparison.differences:
        console.print(_difference_table(difference, board))
        for line in _difference_lines(difference):
            console.print(line)
        console.print(f"[bold]{escape(difference.finding)}[/bold]\n")

    for row in comparison.rows:
        if row.unfinished:
            console.print(_lack(row))


def show_report(reports: Iterable[Report], console: Console) -> None:
    """Every report: question, finding, tables."""
    for report in reports:
        console.print(f"\n[bold]{escape(report.key)}  {escape(report.title)}[/bold]\n{escape(report.question)}")
        console.print(escape(report.finding or report.missing))

        for figure in report.figures:
            if figure.reading:
                console.print(f"[dim]{escape(figure.title)}:[/dim] {escape(figure.reading)}")
        for table in report.tables:
            console.print(_report_table(table))
            console.print(f"[dim]{escape(table.caption)}[/dim]")


def _leaderboard_cells(row: Row) -> list[str]:
    return [
        escape(row.label),
        _give_or_take(row.gain),
        _give_or_take(row.difference),
        p_value(row.p) or "-",
        signed(row.worst.mean),
        _area(row),
        str(row.gain.n),
        "-" if row.group is None else str(row.group),
        row.verdict.replace(f" than {REFERENCE}", "").removesuffix(f" from {REFERENCE}"),
    ]


def _static(board: Board) -> str:
    """What fixed weights reach, and which were tried; empty without a sweep."""
    reference = board.row(REFERENCE)
    if reference is None or reference.regret is None:
        return ""
    best, points = reference.regret.best, plural(len(board.frontier), "point")
    found = (
        f"the best of {points}, chosen on the other seeds, gains {with_ends(best)} more than {REFERENCE}"
        if best.mean > 0
        else f"of {points}, none that the other seeds would choose gains more than {REFERENCE}"
    )
    return f"Static weights: {found}. Tried beside equal ones: {escape(tried(board))}."


def _area(row: Row) -> str:
    """The difference in the area under the training reward, marked where it counts."""
    if row.area_difference is None:
        return "-"
    return signed(row.area_difference.mean) + ("*" if row.area_p is not None and row.area_p <= ALPHA else "")


def _size(board: Board) -> str:
    """Settings of one method are one method with several rows."""
    rows = f", {len(board.rows)} rows" if len(board.rows) > board.methods else ""
    return f"{plural(board.methods, 'method')}{rows}"


def _give_or_take(interval: Interval | None) -> str:
    """A mean and half the width of its interval, which is symmetric: narrower than both ends."""
    if interval is None:
        return "-"
    width = number(interval.half_width)
    return signed(interval.mean) + (f" \u00b1 {width:.3f}" if width is not None else "")


def _lack(row: Row) -> str:
    """What a row lacks, in words."""
    parts = [f"{row.unfinished} of {len(row.runs)} runs not done, counted as no gain"] if row.unfinished else []
    if row.missing:
        parts.append(f"preliminary, without seed {', '.join(map(str, row.missing))}")
    return f"{escape(row.label)}: {'; '.join(parts)}."


def _difference_table(difference: Difference, board: Board) -> Table:
    title = f"{escape(board.name)}: {escape(difference.label)} minus {escape(difference.other)}"
    table = Table("task", title=title, title_justify="left")
    for heading in (escape(difference.label), escape(difference.other), "difference", "p"):
        table.add_column(heading, justify="right")

    first, second = (row for name in (difference.label, difference.other) if (row := board.row(name)))
    for task, name in enumerate(difference.task_names):
        pair = difference.tasks[task] if difference.tasks else None
        p = difference.task_p[task] if difference.task_p else None
        means = [signed(row.tasks[task].mean) for row in (first, second)]
        table.add_row(escape(name), *means, with_ends(pair) or "-", p_value(p) or "-")

    table.add_section()
    means = [signed(row.gain.mean) for row in (first, second)]
    table.add_row("mean", *means, with_ends(difference.gain) or "-", p_value(difference.p) or "-")

    return table


def _difference_lines(difference: Difference) -> list[str]:
    costs = [
        f"{currency.replace('_', ' ')} {cost:.3g}"
        for currency in CURRENCIES
        if (cost := difference.costs[currency]) is not None
    ]
    seeds = ", ".join(map(str, difference.seeds))
    return [
        f"Seeds of both: {seeds or 'none'}. {_wins(difference)}",
        f"Cost over that of {escape(difference.other)}: {', '.join(costs) or 'not comparable'}.",
    ]


def _wins(difference: Difference) -> str:
    """How often the first gains more: runs, and cells of tasks and seeds, which are not independent."""
    share = difference.improvement
    if share is None:
        return "How often one gains more is not known."

    above, equal, below = difference.wins
    tied = f" and ties {equal}" if equal else ""
    spread = f" [{share.low:.2f}, {share.high:.2f}]" if None not in (share.low, share.high) else ""
    return (
        f"{escape(difference.label)} gains more in {above} of {plural(above + equal + below, 'run')}{tied}; on "
        f"{share.value:.2f}{spread} of tasks and seeds."
    )


def _report_table(shown: Shown) -> Table:
    table = Table(box=None)
    for place, column in enumerate(shown.columns):
        texts = any(isinstance(row[place], str) for row in shown.rows)
        table.add_column(escape(column), justify="left" if texts else "right", overflow="fold")
    for row in shown.rows[:ROWS]:
        table.add_row(*map(_cell, row))
    if len(shown.rows) > ROWS:
        table.add_row(f"... and {len(shown.rows) - ROWS} more")

    return table


def _cell(cell: Cell) -> str:
    if isinstance(cell, float):
        found = number(cell)
        return "-" if found is None else f"{found:.3g}"
    return "-" if cell is None else escape(str(cell))


def _report_data(report: Report) -> dict[str, Any]:
    tables = [*report.tables, *(figure.table() for figure in report.figures)]
    return {
        "key": report.key,
        "title": report.title,
        "question": report.question,
        "finding": report.finding,
        "missing": report.missing,
        "readings": [figure.reading for figure in report.figures if figure.reading],
        "tables": [_table_data(table) for table in tables],
    }


def _table_data(table: Shown) -> dict[str, Any]:
    rows = [[number(cell) if isinstance(cell, float) else cell for cell in row] for row in table.rows]
    return {"caption": table.caption, "columns": list(table.columns), "rows": rows}
