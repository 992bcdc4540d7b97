"""Charts as inline SVG: drawn at build time, titled, described, and with all their values as a table.

Colours come from classes `s0` to `s7` of the style sheet, so that a chart follows the page's theme; markers and dashes
tell the series apart without colour.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import escape

from bench.analysis.figures import Cell, Figure, Series, Table
from bench.analysis.text import compact
from leaderboard import marks
from leaderboard.axes import Axis, axis

WIDTH = 520
"""Of the drawing, in pixels of its own: narrow enough to be read on a phone, where it is drawn at two thirds."""
TOP, BOTTOM, RIGHT = 10, 48, 16
LEFT = 66
MOST_SAID = 40
"""Most points of lines that say their value under the pointer; the table below has all."""
MOST_LEFT = 190.0
"""Most room for the names of rows."""


class Html(str):
    """Markup that is safe as it is: templates do not escape it."""

    __slots__ = ()

    def __html__(self) -> str:
        return self


@dataclass(frozen=True, slots=True)
class Extras:
    """What a page adds to a figure.

    names: labels of the points of a series. links: a page for each such label or category. joined: series drawn as a
    line among points. alarm: values below 0 are drawn as losses. titles: what is drawn in place of a label.
    """

    names: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()
    alarm: bool = False
    titles: Mapping[str, str] = field(default_factory=dict)


PLAIN = Extras()


def chart(figure: Figure, prefix: str = "", extras: Extras = PLAIN) -> Html:
    """A figure with its reading and its table; prefix keeps ids apart on a page. Everything in it is escaped."""
    key = escape(f"{prefix}{figure.key}")
    reading = f'<p class="reading">{escape(figure.reading)}</p>' if figure.reading else ""
    title = escape(figure.title)
    return Html(
        f'<figure class="chart" id="{key}"><figcaption><strong>{title}.</strong> '
        f"{escape(figure.description)}</figcaption>"
        f'<div class="plot" role="region" aria-label="{title}" tabindex="0">{svg(figure, key, extras)}</div>'
        f"{reading}<details><summary>Values of this chart</summary>{table(values(figure, extras))}</details></figure>"
    )


def svg(figure: Figure, key: str, extras: Extras = PLAIN) -> Html:
    """The drawing alone; key: prefix of its ids, escaped."""
    draw = {"bars": _bars, "matrix": _matrix}.get(figure.kind, _plane)
    height, body = draw(figure, extras)
    words = " ".join(part for part in (figure.description, figure.reading) if part)
    drawn = "".join(body)
    # An image has no parts, so its links could not be reached.
    role = "group" if "<a " in drawn else "img"

    return Html(
        f'<svg viewBox="0 0 {WIDTH} {height}" role="{role}" aria-labelledby="{key}-t {key}-d">'
        f'<title id="{key}-t">{escape(figure.title)}</title><desc id="{key}-d">{escape(words)}</desc>'
        f"{drawn}</svg>"
    )


def table(content: Table) -> Html:
    """A plain table of cells, in a region that scrolls."""
    head = "".join(f'<th scope="col">{escape(column)}</th>' for column in content.columns)
    rows = "".join(
        f'<tr><th scope="row">{_text(row[0])}</th>{"".join(f"<td>{_text(cell)}</td>" for cell in row[1:])}</tr>'
        for row in content.rows
    )
    return Html(
        f'<div class="scroll fit" role="region" aria-label="{escape(content.caption)}" tabindex="0"><table>'
        f"<caption>{escape(content.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )


def values(figure: Figure, extras: Extras = PLAIN) -> Table:
    """All values of a figure: series side by side where they share their x, else one row a point."""
    shared = all(series.x == figure.series[0].x for series in figure.series)
    if figure.kind == "matrix" or not figure.series:
        return figure.table()
    if extras.names or not shared:
        return _long(figure, extras)

    columns = (figure.x_label, *(series.label for series in figure.series))
    cells = zip(figure.series[0].x, *(_with_ends(series) for series in figure.series), strict=True)
    return Table(columns, tuple(cells), f"{figure.title}: {figure.y_label}")


def _long(figure: Figure, extras: Extras) -> Table:
    columns = ("series", *(("name",) if extras.names else ()), figure.x_label, figure.y_label)
    rows = []
    for series in figure.series:
        names = extras.names.get(series.label, ("",) * len(series.x))
        for name, x, y in zip(names, series.x, _with_ends(series), strict=True):
            rows.append((series.label, *((name,) if extras.names else ()), x, y))

    return Table(columns, tuple(rows), figure.title)


def _with_ends(series: Series) -> Iterable[Cell]:
    """Values with their intervals, as text where there is one."""
    if not series.low:
        return series.y
    return [
        y if y is None or low is None or high is None else f"{compact(y)} ({compact(low)} to {compact(high)})"
        for y, low, high in zip(series.y, series.low, series.high, strict=True)
    ]


def _text(cell: Cell) -> str:
    if cell is None:
        return '<span class="none">no value</span>'
    return escape(cell) if isinstance(cell, str) else compact(cell)


def _plane(figure: Figure, extras: Extras) -> tuple[int, list[str]]:
    """Lines or points over two numeric axes."""
    legend, top = marks.legend([series.label for series in figure.series], WIDTH)
    height = top + 310
    numbers = [float(x) for series in figure.series for x in series.x if not isinstance(x, str)]
    heights = [y for series in figure.series for each in (series.y, series.low, series.high) for y in each]
    known = [y for y in heights if y is not None]
    shared = [*numbers, *known] if figure.diagonal else []
    across = axis(shared or numbers, LEFT, WIDTH - RIGHT, count=6)
    up = axis(shared or known, height - BOTTOM, top + TOP, log=figure.log_y)

    body = [*legend, *marks.grid(across, up), *marks.axis_labels(figure.x_label, figure.y_label, across, up)]
    if figure.diagonal:
        body.append(marks.diagonal(across, up))
    for index, series in enumerate(figure.series):
        lines = figure.kind == "lines" or series.label in extras.joined
        dots = series.label not in extras.joined
        faint = len(figure.series) > 3
        few = sum(len(every.x) for every in figure.series) <= MOST_SAID or not lines
        body += marks.series(
            series,
            index,
            across,
            up,
            line=lines,
            dots=dots,
            faint=faint,
            names=extras.names.get(series.label, ()) if few else None,
        )

    return height, body + _names(figure, extras, across, up)


def _names(figure: Figure, extras: Extras, across: Axis, up: Axis) -> list[str]:
    """Names beside the points, where there is room; a link from each point."""
    points = [
        (across(float(x)), up(y), name)
        for series in figure.series
        for x, y, name in zip(series.x, series.y, extras.names.get(series.label, ()), strict=False)
        if y is not None and name and not (figure.log_y and y <= 0)
    ]
    return marks.point_names(points, extras.links, WIDTH - RIGHT, extras.titles)


def _bars(figure: Figure, extras: Extras) -> tuple[int, list[str]]:
    """Horizontal bars over named categories, with intervals; only their ends where there are many series."""
    labels = [series.label for series in figure.series]
    legend, top = marks.legend(labels, WIDTH) if len(labels) > 1 else ([], 0)
    rows = list(dict.fromkeys(str(x) for series in figure.series for x in series.x))
    left = min(MOST_LEFT, 22 + marks.LETTER * max((len(extras.titles.get(row, row)) for row in rows), default=0))
    thick = 14 if len(labels) == 1 else 10 if len(labels) <= 3 else 7
    pitch = thick * len(labels) + 8
    height = top + TOP + pitch * len(rows) + BOTTOM
    ends = [
        y for series in figure.series for each in (series.y, series.low, series.high) for y in each if y is not None
    ]
    across = axis(ends if figure.log_y else [0.0, *ends], left, WIDTH - RIGHT, log=figure.log_y, count=6)
    place = {row: top + TOP + index * pitch for index, row in enumerate(rows)}
    body = [
        *legend,
        *marks.row_grid(across, top + TOP, height - BOTTOM),
        marks.bottom_label(figure.y_label, across, height),
    ]
    body += [marks.row_label(row, left, place[row] + pitch / 2, extras.links, extras.titles) for row in rows]

    for index, series in enumerate(figure.series):
        at = [place[str(x)] + 4 + thick * (index + 0.5) for x in series.x]
        body += marks.bars(series, index, at, across, thick, full=len(labels) <= 3, alarm=extras.alarm)

    return math.ceil(height), body


def _matrix(figure: Figure, extras: Extras) -> tuple[int, list[str]]:
    """A grid of numbers, shaded by size, in one colour for each sign."""
    columns = [str(x) for x in (figure.series[0].x if figure.series else ())]
    left = 22 + marks.LETTER * max((len(series.label) for series in figure.series), default=0)
    return marks.matrix([(series.label, series.y) for series in figure.series], columns, min(MOST_LEFT, left), WIDTH)
