"""The front of the README, from records: a table of methods, and a picture of why methods are needed; the site's card.

`python -m leaderboard.front` writes them again; `python -m leaderboard.front table` only prints the table.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from bench.analysis.board import boards
from bench.analysis.figures import Figure
from bench.analysis.loading import load, suites
from bench.analysis.rows import Board, Row
from bench.analysis.runs import REFERENCE
from bench.analysis.text import listing, p_value, plural, signed, with_ends
from bench.places import DEFAULT_SUITE
from bench.records.track import is_tuned
from leaderboard import charts
from leaderboard.card import DRAWING, card
from leaderboard.charts import Extras
from leaderboard.downloads import versions
from leaderboard.home import FAMILIES, family
from leaderboard.home_figures import loudness

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "README.md"
PICTURE = ROOT / "docs" / "loudness.svg"
BEGIN, END = "<!-- front: written by python -m leaderboard.front -->", "<!-- end of front -->"
BEST, LAST = 12, 4
"""Of a longer table the front shows so many rows of either end, and the reference."""
COLUMNS = ("method", "mean gain", "minus uniform", "p", "worst task", "verdict")
STYLE = """
.back{fill:#fff}.plot{fill:#1a1e26;font:13px system-ui,-apple-system,Segoe UI,Helvetica,Arial,sans-serif}
.grid{stroke:#dbe0e7;fill:none}.zero{stroke:#1a1e26;stroke-width:1.2;fill:none}.tick,.axis{fill:#566070}
.whisker{fill:none;stroke-width:1.6}.s0{color:#0072b2}
@media (prefers-color-scheme:dark){.back{fill:#0d1117}.plot{fill:#e7eaf0}.grid{stroke:#343b48}.zero{stroke:#e7eaf0}
.tick,.axis{fill:#a2abba}.s0{color:#4ea8e0}}
""".replace("\n", "")
"""Of the picture, which stands alone: the colours of the site's style sheet."""


def board_of(results: Path = ROOT / "results") -> Board:
    """The board that the front shows."""
    return next(board for board in boards(load(results, suite=DEFAULT_SUITE).runs) if board.name == DEFAULT_SUITE)


def others(results: Path = ROOT / "results") -> list[Board]:
    """The boards of all other suites, by name."""
    names = [name for name in suites(results) if name != DEFAULT_SUITE and not is_tuned(name)]
    return [found for name in names for found in boards(load(results, suite=name).runs)]


def by_default(board: Board) -> list[Row]:
    """The rows of methods at their default settings, the largest mean gain first."""
    return [row for row in board.rows if "+" not in row.label]


def shown(board: Board) -> list[Row]:
    """Those of them that the front shows."""
    rows = by_default(board)
    middle = [row for row in rows[BEST:-LAST] if row.label == REFERENCE]
    return rows if len(rows) <= BEST + LAST else [*rows[:BEST], *middle, *rows[-LAST:]]


def table(board: Board) -> str:
    """The table as Markdown."""
    rows = [
        [f"`{row.label}`", with_ends(row.gain), with_ends(row.difference), p_value(row.p), signed(row.worst.mean),
         row.verdict]
        for row in shown(board)
    ]  # fmt: skip
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 2), "---"), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def front(board: Board) -> str:
    """What stands between the marks in the README: the picture, what it shows, the table, how it was made."""
    figure = _figure(board)[0]
    left = len(by_default(board)) - len(shown(board))
    rest = f" {left} more methods lie between these and are on the site." if left else ""
    return "\n\n".join(
        [
            f"![{figure.title}: {figure.x_label} against {figure.y_label}](docs/{PICTURE.name})",
            f"*{figure.title}.* {figure.description} {figure.reading}",
            table(board),
            f"Suite `{board.name}`, seeds each: {board.seeds}; harness {versions(board)}. Mean gain in "
            "held-out reward over tasks and seeds, and the same minus `uniform` paired by seed, with 95 % intervals "
            f"over seeds. p and verdict are corrected for {board.comparisons} comparisons.{rest}",
            *(elsewhere(other) for other in others()),
        ]
    )


def elsewhere(board: Board) -> str:
    """A sentence on another suite: its family, and the methods that gain more or less than the reference."""
    title = FAMILIES[family(board)]
    where = f"On `{board.name}` ({title[0].lower()}{title[1:]})"
    many = plural(board.comparisons, "method")
    told = {verdict: _told(board, verdict) for verdict in ("better", "worse")}
    if not any(told.values()):
        return f"{where}, none of {many} can be distinguished from `{REFERENCE}`."

    said = [
        f"{listing(named) or 'no method'} {'gains' if len(named) < 2 else 'gain'} {word} than `{REFERENCE}`"
        for word, named in zip(("more", "less"), told.values(), strict=True)
    ]
    return f"{where}, {said[0]}, and {said[1]}, of {many}."


def _told(board: Board, verdict: str) -> list[str]:
    rows = [row for row in by_default(board) if row.verdict.startswith(verdict) and not row.specialists]
    return [f"`{row.label}` ({with_ends(row.difference)})" for row in rows]


def picture(board: Board) -> str:
    """The picture as an SVG file, in light or dark colours as the reader's system has it."""
    figure, extras = _figure(board)
    drawn = charts.svg(figure, figure.key, extras)
    view = drawn.split('viewBox="')[1].split('"')[0]
    width, height = view.split()[2:]
    opening = f'<svg xmlns="http://www.w3.org/2000/svg" class="plot" width="{width}" height="{height}" '
    ground = f'<style>{STYLE}</style><rect class="back" width="{width}" height="{height}"/>'
    head, _, body = drawn.removeprefix("<svg ").partition(">")
    return f"{opening}{head}>{ground}{body}\n"


def _figure(board: Board) -> tuple[Figure, Extras]:
    found = loudness(board)
    assert found, f"the runs of uniform in {board.name} have norms and gains"
    return found


def card_of(board: Board) -> str:
    """The card of the site, with the points of the picture."""
    (points,) = _figure(board)[0].series
    return card([float(x) for x in points.x], [y or 0.0 for y in points.y])


def page(text: str, board: Board) -> str:
    """The text of the README with the front as it should be."""
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{front(board)}\n\n{END}{after}"


def main(words: Sequence[str]) -> None:
    """Write what is made from records, or print the table."""
    board = board_of()
    if list(words) == ["table"]:
        sys.stdout.write(f"{table(board)}\n")
        return

    PAGE.write_text(page(PAGE.read_text("utf-8"), board), "utf-8")
    PICTURE.write_text(picture(board), "utf-8")
    DRAWING.write_text(card_of(board), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
