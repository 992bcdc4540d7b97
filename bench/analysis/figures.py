"""What a report says, as data: charts, tables and sentences. Nothing here knows how it is drawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Kind = Literal["lines", "bars", "points", "matrix"]
Position = float | str
Cell = str | float | int | None


@dataclass(frozen=True, slots=True)
class Table:
    """Named columns and rows of cells; None is a cell without a value. ValueError if a row has another length."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    caption: str

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(f"a row of {len(row)} cells under {len(self.columns)} columns: {row}")


@dataclass(frozen=True, slots=True)
class Series:
    """One labelled sequence of values, [n]; None is a gap. low and high: an interval around y, or both empty.

    x holds numbers, or names of categories. ValueError if the lengths differ.
    """

    label: str
    x: tuple[Position, ...]
    y: tuple[float | None, ...]
    low: tuple[float | None, ...] = ()
    high: tuple[float | None, ...] = ()

    def __post_init__(self) -> None:
        lengths = {len(self.x), len(self.y), len(self.low) or len(self.x), len(self.high) or len(self.x)}
        if len(lengths) > 1 or bool(self.low) != bool(self.high):
            raise ValueError(f"series {self.label!r}: x, y, low and high must have one length")


@dataclass(frozen=True, slots=True)
class Figure:
    """One chart.

    lines, points: each series over numbers. bars: each series over categories. matrix: a series is a row, its x are
    the columns. On a logarithmic axis a value that is not positive cannot be drawn; the table shows it.
    """

    key: str
    kind: Kind
    title: str
    description: str
    """What is drawn: the quantity, over what it is averaged, what the interval is."""
    x_label: str
    y_label: str
    series: tuple[Series, ...]
    log_y: bool = False
    diagonal: bool = False
    """Whether both axes have one scale and the line y = x is drawn."""
    reading: str = ""
    """One sentence computed from the values: what to see."""

    def table(self) -> Table:
        """All values: one row a point of a series, with its interval where the figure has one; a matrix as it is."""
        if self.kind == "matrix":
            return self._matrix()
        ends = any(series.low for series in self.series)
        columns = ("series", self.x_label, self.y_label, *(("low", "high") if ends else ()))
        return Table(columns, tuple(self._rows(ends)), self.title)

    def _rows(self, ends: bool) -> Iterator[tuple[Cell, ...]]:
        for series in self.series:
            gap = (None,) * len(series.x)
            for x, y, *interval in zip(series.x, series.y, series.low or gap, series.high or gap, strict=True):
                yield (series.label, x, y, *(interval if ends else ()))

    def _matrix(self) -> Table:
        columns = self.series[0].x if self.series else ()
        rows = tuple((series.label, *series.y) for series in self.series)
        return Table((self.y_label, *map(str, columns)), rows, self.title)


@dataclass(frozen=True, slots=True)
class Report:
    """The answer to one question about one suite's runs."""

    key: str
    """R1 to R12, as in the reference paper's reports."""
    title: str
    question: str
    finding: str
    """The answer in plain sentences, computed from the runs; empty if there is nothing to show."""
    figures: tuple[Figure, ...] = ()
    tables: tuple[Table, ...] = ()
    runs: tuple[Path, ...] = ()
    """The record files that it was computed from."""
    missing: str = ""
    """Why there is nothing to show, and what would make it; empty if there is a finding."""
