"""Standard output as it is: a terminal gets tables that fit, a pipe or a file gets tab-separated text of full width.

Nothing is ever cut. What does not fit folds; where even single words would fold, columns that a table can spare are
left out, and a line says which.
"""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.measure import Measurement
from rich.table import Column, Table
from rich.text import Text

WIDE = 10_000
"""Columns of text that goes to no terminal: it never wraps."""


class Listing(Table):
    """A table that can spare some columns, named least important first."""

    spare: Sequence[str] = ()

    def sparing(self, *columns: str) -> "Listing":
        """The table itself, which may lose these columns."""
        self.spare = columns
        return self


class Terminal(Console):
    """A console that prints tables as the output takes them."""

    def __init__(self, tty: bool | None = None, width: int | None = None, **options: Any) -> None:
        self.tty = sys.stdout.isatty() if tty is None else tty
        super().__init__(width=width if self.tty else WIDE, highlight=False, no_color=not self.tty or None, **options)

    def print(self, *objects: Any, **options: Any) -> None:
        """Print; a table in the form that suits the output."""
        if not self.tty:
            options.setdefault("soft_wrap", True)
        if len(objects) != 1 or not isinstance(objects[0], Table):
            super().print(*objects, **options)
        elif self.tty:
            self._print_fitting(objects[0])
        else:
            self._print_tabbed(objects[0])

    def _print_tabbed(self, table: Table) -> None:
        """The title in a line of its own, then a line a row, with tabs between cells."""
        lines = [_unmarked(table.title)] if table.title else []
        if table.show_header and any(_plain(column.header) for column in table.columns):
            lines.append("\t".join(_plain(column.header) for column in table.columns))
        rows = zip(*(list(column.cells) for column in table.columns), strict=True)
        lines += ["\t".join(map(_plain, row)) for row in rows]
        if table.caption:
            lines.append(_unmarked(table.caption))
        self.file.write("\n".join(lines) + "\n")  # rich would make spaces of the tabs

    def _print_fitting(self, table: Table) -> None:
        """Print the columns that fit; cells fold rather than lose their ends."""
        left_out = []
        for name in getattr(table, "spare", ()):
            if Measurement.get(self, self.options, table).minimum <= self.width and self._is_calm(table):
                break
            if place := next((index for index, each in enumerate(table.columns) if each.header == name), None):
                del table.columns[place]
                left_out.append(name)

        for column in table.columns:
            if column.overflow == "ellipsis":
                column.overflow = "fold"
        super().print(table)
        if left_out:
            super().print(f"Not shown at this width: {', '.join(left_out)}; a pipe and --json have all.", style="dim")

    def _is_calm(self, table: Table) -> bool:
        """Whether every column has the width of its longest word."""
        needed = sum(_longest_word(column) + 3 for column in table.columns) + 1
        return needed <= self.width


def console() -> Terminal:
    """The console on standard output."""
    return Terminal()


def _longest_word(column: Column) -> int:
    """The width of a column's longest word, its heading included; names fold, so at most 24 count of theirs."""
    cells = [_plain(column.header), *map(_plain, column.cells)]
    longest = max((len(word) for cell in cells for word in cell.split()), default=0)
    whole = max(map(len, cells[1:]), default=0) if column.no_wrap else 0
    return max(min(longest, 24), whole)


def _plain(cell: object) -> str:
    """A cell as one line without markup."""
    return " ".join(_unmarked(cell).split())


def _unmarked(text: object) -> str:
    return text.plain if isinstance(text, Text) else Text.from_markup(str(text)).plain
