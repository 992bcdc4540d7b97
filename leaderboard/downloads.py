"""A suite's leaderboard for other programs: CSV, JSON, LaTeX, Markdown and BibTeX.

The numbers are those of the pages. Names come from other people: text is escaped for the program that will read it.

`python -m leaderboard.downloads SUITE [csv|json|latex|markdown|bibtex|runs]` prints one of them, from results/.
"""

import csv as csv_format
import io
import json as json_format
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.analysis.board import boards
from bench.analysis.loading import load
from bench.analysis.plain import board_data, number, row_data
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE, Run
from bench.analysis.text import p_value, plural, signed, with_ends
from bench.errors import UserError, unknown
from bench.records.schema import Ledger

RESULTS = Path(__file__).resolve().parents[1] / "results"
COLUMNS = ("method", "mean gain", f"minus {REFERENCE}", "p", "worst task", "group", "CPU", "seeds", "verdict")
"""The columns of the tables for reading; CSV and JSON hold everything."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""Signs with which a cell of text would be a formula for a spreadsheet."""
LATEX = {sign: f"\\{sign}" for sign in "&%$#_{}"} | {
    "\\": "\\textbackslash{}",
    "~": "\\textasciitilde{}",
    "^": "\\textasciicircum{}",
    "<": "\\textless{}",
    ">": "\\textgreater{}",
    "|": "\\textbar{}",
    '"': "\\textquotedbl{}",
}
Cell = str | float | int | None


def csv(board: Board) -> str:
    """One line a method: `difference` is a mean, `difference.low` and `.high` its interval, `difference.n` its seeds.

    A mean has the name of its quantity; what is not known is empty; several values in a cell have a space between.
    """
    rows = [list(_flat(row_data(row))) for row in board.rows]
    return _sheet([name for name, _ in rows[0]], [[value for _, value in row] for row in rows])


def runs_csv(board: Board) -> str:
    """One line a run and task: held-out reward before and after, gain as it counts, status, and the run's ledger."""
    counters = list(Ledger.model_fields)
    columns = ["method", "seed", "task", "before", "after", "gain", "status", "reason", *counters]
    runs = sorted((run for row in board.rows for run in row.runs), key=lambda run: (run.label, run.record.seed))
    return _sheet(columns, [line for run in runs for line in _lines(run, counters)])


def json(board: Board) -> str:
    """Everything the board says, sorted by key but for the order of methods and tasks."""
    return json_format.dumps(board_data(board), indent=1, allow_nan=False) + "\n"


def latex(board: Board) -> str:
    """A plain tabular, which needs no package; how it was made is in a comment."""
    lines = [" & ".join(map(_latex, cells)) + r" \\" for cells in [COLUMNS, *map(_cells, board.rows)]]
    body = [f"\\begin{{tabular}}{{l{'r' * (len(COLUMNS) - 2)}l}}", "\\hline", lines[0], "\\hline", *lines[1:]]
    comments = [f"% {_line(said)}" for said in _said(board)]
    return "\n".join([*comments, *body, "\\hline", "\\end{tabular}"]) + "\n"


def markdown(board: Board) -> str:
    """A table as GitHub draws it, and below it how it was made."""
    rule = ["---", *["---:"] * (len(COLUMNS) - 2), "---"]
    rows = [[_markdown(cell) for cell in cells] for cells in [COLUMNS, *map(_cells, board.rows)]]
    table = [f"| {' | '.join(cells)} |" for cells in [rows[0], rule, *rows[1:]]]
    return "\n".join([*table, "", *map(_markdown, _said(board))]) + "\n"


def bibtex(board: Board, version: str) -> str:
    """An entry to cite the board by; version: of the harness. The year is that of the last run."""
    years = [run.record.provenance.finished[:4] for row in board.rows for run in row.runs]
    year = max((year for year in years if re.fullmatch("[0-9]{4}", year)), default="")
    key = re.sub("[^A-Za-z0-9]+", "-", board.name)
    fields = {
        "title": f"{{BalanceBench}}: leaderboard of the suite {_latex(board.name)}",
        "author": "{BalanceBench contributors}",
        "note": f"Version {_latex(version)}. {_latex(_size(board))}",
    } | ({"year": year} if year else {})
    lines = [f"  {name} = {{{value}}}," for name, value in fields.items()]

    return "\n".join([f"@misc{{balancebench-{key},", *lines, "}"]) + "\n"


def files(board: Board) -> dict[str, bytes]:
    """All downloads of a suite, by path from the root of the site."""
    texts = {
        "board.csv": csv(board),
        "board.json": json(board),
        "board.tex": latex(board),
        "board.md": markdown(board),
        "board.bib": bibtex(board, versions(board)),
        "runs.csv": runs_csv(board),
    }
    return {f"data/{board.name}/{name}": text.encode() for name, text in texts.items()}


def versions(board: Board) -> str:
    """Versions of the harness that made the runs."""
    return ", ".join(sorted({run.record.provenance.harness_version for row in board.rows for run in row.runs}))


def _flat(data: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Cell]]:
    for key, value in data.items():
        name = prefix.removesuffix(".") if key in ("mean", "value") else prefix + key
        if isinstance(value, dict):
            yield from _flat(value, f"{name}.")
        else:
            yield name, " ".join(map(str, value)) if isinstance(value, list) else value


def _lines(run: Run, counters: Sequence[str]) -> Iterator[list[Cell]]:
    record = run.record
    spent = [getattr(record.ledger, name) for name in counters]
    for task, gain in zip(record.tasks, run.gains, strict=True):
        scores = [number(task.before.mean), number(task.after.mean) if task.after else None, number(gain)]
        yield [run.label, record.seed, task.name, *scores, record.status, record.reason, *spent]


def _sheet(columns: Sequence[str], rows: Iterable[Sequence[Cell]]) -> str:
    text = io.StringIO()
    sheet = csv_format.writer(text, lineterminator="\n")
    sheet.writerows([_safe(cell) for cell in row] for row in [columns, *rows])
    return text.getvalue()


def _safe(cell: Cell) -> Cell:
    """The cell as a spreadsheet shows it and does not run it; numbers stay numbers."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def _cells(row: Row) -> list[str]:
    """A row of the tables for reading."""
    seconds = row.overheads["cpu_seconds"]
    return [
        row.label,
        with_ends(row.gain),
        with_ends(row.difference),
        p_value(row.p),
        signed(row.worst.mean),
        "" if row.group is None else str(row.group),
        "" if seconds is None else f"{seconds:.2f}",
        f"{row.gain.n} ({row.unfinished} not done)" if row.unfinished else str(row.gain.n),
        row.verdict,
    ]


def _said(board: Board) -> list[str]:
    return [
        f"BalanceBench {versions(board)}, suite {board.name}. {_size(board)}",
        f"Mean held-out gain over tasks and seeds, and minus {REFERENCE} paired by seed, with 95 % Student-t intervals "
        f"over seeds; p corrected for {board.comparisons} comparisons; CPU seconds relative to {REFERENCE}, where "
        "records have them. Runs that are not done count as no gain.",
    ]


def _size(board: Board) -> str:
    rows = f" in {len(board.rows)} rows" if len(board.rows) > board.methods else ""
    return f"{plural(board.methods, 'method')}{rows}, seeds each: {board.seeds}."


def _line(text: str) -> str:
    """The text on one line; a line break would end a comment or a row."""
    return " ".join(text.split())


def _latex(text: str) -> str:
    return "".join(LATEX.get(sign, sign) for sign in _line(text))


def _markdown(text: str) -> str:
    plain = _line(text).replace("&", "&amp;").replace("<", "&lt;")
    return re.sub(r"([\\`*_\[\]|~])", r"\\\1", plain)


FORMATS: dict[str, Callable[[Board], str]] = {
    "csv": csv,
    "json": json,
    "latex": latex,
    "markdown": markdown,
    "bibtex": lambda board: bibtex(board, versions(board)),
    "runs": runs_csv,
}


def main(words: Sequence[str], results: Path = RESULTS) -> int:
    """Prints one format of one suite of a store; exit code 2 with a sentence if that cannot be."""
    try:
        suite, form, *_ = [*words, "csv", ""] if words else ["", "csv"]
        known = {board.name: board for board in boards(load(results).runs)}
        if suite not in known:
            raise unknown("suite with results", suite, known, "ls results")
        if form not in FORMATS:
            raise unknown("format", form, FORMATS, "python -m pydoc leaderboard.downloads")
        sys.stdout.write(FORMATS[form](known[suite]))
    except UserError as error:
        sys.stderr.write(f"{error}\n")
        return 2

    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
