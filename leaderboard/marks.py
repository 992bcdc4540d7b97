"""The marks of a chart, as SVG text: axes, lines, points, bars, cells. Whatever is a name is escaped here."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from types import MappingProxyType

from bench.analysis.figures import Series
from bench.analysis.text import compact
from leaderboard.axes import Axis

DASHES = ("", "7 3", "2 3", "9 3 2 3", "12 4", "4 4", "1 4", "6 2 2 2 2 2")
SHAPES = (
    "m-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z",
    "m-3.2-3.2h6.4v6.4h-6.4z",
    "m0-4.2l4 7.2h-8z",
    "m0-4.4l4.4 4.4l-4.4 4.4l-4.4-4.4z",
    "m0 4.2l4-7.2h-8z",
    "m-1.4-4h2.8v2.6h2.6v2.8h-2.6v2.6h-2.8v-2.6h-2.6v-2.8h2.6z",
    "m-4-2h8v4h-8z",
    "m-2-4h4v8h-4z",
)
"""Circle, square, triangle, diamond, triangle down, cross, two bars: outlines around the point where the pen is."""
COLOURS = len(SHAPES)
FEW = 30
"""Up to so many points a line has markers."""
LETTER = 7.2
"""Mean width of a letter of the charts' font, in pixels."""


def legend(labels: Sequence[str], width: float) -> tuple[list[str], int]:
    """Names of the series in rows at the top, and the height they take."""
    out = []
    x = 8.0
    y = 14
    for index, label in enumerate(labels):
        room = 34 + LETTER * len(label)
        if x > 8 and x + room > width:
            x, y = 8.0, y + 18

        sample = f'<path d="M0 0h22" fill="none"{_dash(index)}/><path d="M11 0{_shape(index)}"/>'
        out.append(
            f'<g class="s{index % COLOURS}" stroke="currentColor" fill="currentColor" '
            f'transform="translate({x:.0f} {y - 4})">{sample}</g><text x="{x + 28:.0f}" y="{y}">{escape(label)}</text>'
        )
        x += room + 14

    return out, y + 6


def grid(across: Axis, up: Axis) -> Iterator[str]:
    """Lines and numbers at the ticks of both axes."""
    for y, text in up.labels():
        yield f'<path class="grid" d="M{across.start:.0f} {y:.1f}H{across.end:.0f}"/>'
        yield f'<text class="tick" x="{across.start - 6:.0f}" y="{y + 4:.1f}" text-anchor="end">{text}</text>'

    for x, text in across.labels():
        yield f'<path class="grid" d="M{x:.1f} {up.start:.0f}v5"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{up.start + 17:.0f}" text-anchor="middle">{text}</text>'

    yield from _zero(across, up)


def _zero(across: Axis, up: Axis) -> Iterator[str]:
    if not up.log and up.low < 0 < up.high:
        yield f'<path class="zero" d="M{across.start:.0f} {up(0):.1f}H{across.end:.0f}"/>'
    if across.low < 0 < across.high:
        yield f'<path class="zero" d="M{across(0):.1f} {up.start:.0f}V{up.end:.0f}"/>'


def diagonal(across: Axis, up: Axis) -> str:
    """The line y = x, as far as both axes have it."""
    low, high = max(across.low, up.low), min(across.high, up.high)
    return f'<path class="zero" d="M{across(low):.1f} {up(low):.1f}L{across(high):.1f} {up(high):.1f}"/>'


def axis_labels(x_label: str, y_label: str, across: Axis, up: Axis) -> list[str]:
    """The quantities of both axes."""
    middle = (up.start + up.end) / 2
    scale = ", logarithmic" if up.log else ""
    return [
        f'<text class="axis" x="{(across.start + across.end) / 2:.0f}" y="{up.start + 36:.0f}" '
        f'text-anchor="middle">{escape(x_label)}</text>',
        f'<text class="axis" transform="translate(13 {middle:.0f}) rotate(-90)" '
        f'text-anchor="middle">{escape(y_label + scale)}</text>',
    ]


def series(
    each: Series,
    index: int,
    across: Axis,
    up: Axis,
    *,
    line: bool,
    dots: bool,
    faint: bool = False,
    names: Sequence[str] | None = None,
) -> list[str]:
    """A series over numbers: its interval, its line with gaps, its points; faint: among many other bands.

    names: of the points; each point then says its value. Without, points are one mark.
    """
    places = [
        None if y is None or (up.log and y <= 0) else (across(float(x)), up(y))
        for x, y in zip(each.x, each.y, strict=True)
    ]
    out = [f'<g class="s{index % COLOURS}" stroke="currentColor" fill="currentColor">']
    out += _band(each, across, up, "band faint" if faint else "band") if line else _whiskers(each, across, up)
    if line:
        out.append(f'<path class="line" d="{_path(places)}"{_dash(index)}/>')

    if dots and (not line or len(places) <= FEW):
        shape = _shape(index)
        if names is not None:
            words = _said(each, names or [each.label] * len(places))
            known = [(place, text) for place, text in zip(places, words, strict=True) if place]
            out += [f'<path class="dot" d="M{x:.1f} {y:.1f}{shape}" data-value="{text}"/>' for (x, y), text in known]
            return [*out, "</g>"]
        dots_at = "".join(f"M{place[0]:.1f} {place[1]:.1f}{shape}" for place in places if place)
        out.append(f'<path class="dot" d="{dots_at}"/>')

    return [*out, "</g>"]


def _said(each: Series, names: Sequence[str]) -> list[str]:
    """What each point says under the pointer: its name, its place and its value with the interval; escaped."""
    gap = (None,) * len(each.x)
    out = []
    for name, x, y, low, high in zip(names, each.x, each.y, each.low or gap, each.high or gap, strict=True):
        place = f" at {compact(x)}" if not isinstance(x, str) else ""
        ends = "" if low is None or high is None else f" ({compact(low)} to {compact(high)})"
        out.append(escape(f"{name}{place}: {'no value' if y is None else compact(y)}{ends}"))
    return out


def _path(places: Sequence[tuple[float, float] | None]) -> str:
    pen = "M"
    out = []
    for place in places:
        if place is None:
            pen = "M"
            continue
        out.append(f"{pen}{place[0]:.1f} {place[1]:.1f}")
        pen = "L"

    return "".join(out)


def _spans(each: Series, up: Axis) -> Iterator[tuple[float, float, float] | None]:
    """The ends of each point's interval, with its x; what cannot be drawn on a log axis ends at its foot."""
    for x, low, high in zip(each.x, each.low, each.high, strict=False):  # without an interval both are empty
        if low is None or high is None or (up.log and high <= 0):
            yield None
        else:
            yield float(x), max(low, up.low) if up.log else low, high


def _whiskers(each: Series, across: Axis, up: Axis) -> list[str]:
    known = [span for span in _spans(each, up) if span]
    return [f'<path class="whisker" d="M{across(x):.1f} {up(low):.1f}V{up(high):.1f}"/>' for x, low, high in known]


def _band(each: Series, across: Axis, up: Axis, name: str) -> list[str]:
    out = []
    run = list[tuple[float, float, float]]()
    # The None at the end closes the last band.
    for span in [*_spans(each, up), None]:
        if span:
            run.append(span)
        elif run:
            there = "L".join(f"{across(x):.1f} {up(high):.1f}" for x, _, high in run)
            back = "L".join(f"{across(x):.1f} {up(low):.1f}" for x, low, _ in reversed(run))
            out.append(f'<path class="{name}" d="M{there}L{back}z"/>')
            run = []

    return out


def point_names(
    points: Sequence[tuple[float, float, str]],
    links: Mapping[str, str],
    right: float,
    titles: Mapping[str, str] = MappingProxyType({}),
) -> list[str]:
    """Names beside points, each where it covers neither a point nor a name; where there is no room it is left out."""
    # Points come first, so that no name covers one.
    taken = [(x - 4, y - 4, x + 4, y + 4) for x, y, _ in points]

    out = []
    for x, y, name in points:
        words = titles.get(name, name)
        width = LETTER * len(words) * 0.92
        beside = [(x + 8, y + 4), (x - 8 - width, y + 4), (x - width / 2, y - 8), (x - width / 2, y + 16)]
        aslant = [(side, base) for side in (x + 8, x - 8 - width) for base in (y - 8, y + 16)]
        further = [(side, base) for base in (y - 20, y + 28) for side in (x + 8, x - 8 - width)]
        for left, base in (*beside, *aslant, *further):
            box = (left, base - 10, left + width, base + 2)
            if left > 66 and left + width < right and not any(_overlap(box, other) for other in taken):
                taken.append(box)
                out.append(
                    _linked(name, links, f'<text class="name" x="{left:.1f}" y="{base:.1f}">{escape(words)}</text>')
                )
                break

    return out


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def row_grid(across: Axis, top: float, bottom: float) -> Iterator[str]:
    """Vertical lines and numbers at the ticks of a chart of rows."""
    for x, text in across.labels():
        yield f'<path class="grid" d="M{x:.1f} {top:.0f}V{bottom:.0f}"/>'
        yield f'<text class="tick" x="{x:.1f}" y="{bottom + 16:.0f}" text-anchor="middle">{text}</text>'
    if not across.log and across.low <= 0 <= across.high:
        yield f'<path class="zero" d="M{across(0):.1f} {top:.0f}V{bottom:.0f}"/>'


def bottom_label(label: str, across: Axis, height: float) -> str:
    """The quantity of the horizontal axis."""
    middle = (across.start + across.end) / 2
    return f'<text class="axis" x="{middle:.0f}" y="{height - 8:.0f}" text-anchor="middle">{escape(label)}</text>'


def row_label(
    name: str, left: float, y: float, links: Mapping[str, str], titles: Mapping[str, str] = MappingProxyType({})
) -> str:
    """The name of a row, cut where it is too long for its place."""
    room = int((left - 14) / LETTER)
    words = titles.get(name, name)
    short = words if len(words) <= room else f"{words[: room - 1]}\u2026"
    return _linked(name, links, f'<text x="{left - 8:.0f}" y="{y + 4:.1f}" text-anchor="end">{escape(short)}</text>')


def bars(
    each: Series, index: int, at: Sequence[float], across: Axis, thick: float, *, full: bool, alarm: bool
) -> Iterator[str]:
    """Bars from zero to each value with its interval; only markers if not `full`; alarm: values below 0 as losses."""
    gap = (None,) * len(each.x)
    yield f'<g class="s{index % COLOURS}" stroke="currentColor" fill="currentColor">'

    foot = across.start if across.log else across(0)
    words = _said(each, [f"{x}, {each.label}" for x in each.x])
    for y, value, low, high, text in zip(at, each.y, each.low or gap, each.high or gap, words, strict=True):
        if value is None or (across.log and value <= 0):
            continue
        x = across(value)
        loss = ' class="loss"' if alarm and value < 0 else ""
        yield f'<g{loss} data-value="{text}">'
        if full:
            half = thick / 2 - 1
            yield f'<path class="fill" d="M{foot:.1f} {y - half:.1f}H{x:.1f}v{2 * half:g}H{foot:.1f}z"/>'

        if low is not None and high is not None:
            yield f'<path class="whisker" d="M{across(max(low, across.low)):.1f} {y:.1f}H{across(high):.1f}"/>'

        if not full or low is not None:
            yield f'<path class="dot" d="M{x:.1f} {y:.1f}{_shape(index)}"/>'

        yield "</g>"

    yield "</g>"


def matrix(
    rows: Sequence[tuple[str, Sequence[float | None]]], columns: Sequence[str], left: float, width: float
) -> tuple[int, list[str]]:
    """A grid of numbers, shaded by size in a colour for each sign; returns its height too."""
    known = [abs(value) for _, values in rows for value in values if value is not None]
    largest = max(known, default=0) or 1.0
    wide = (width - left - 16) / max(1, len(columns))
    tall = 30
    top = 26
    room = max(3, int(wide / LETTER))

    out = []
    for column, name in enumerate(columns):
        short = name if len(name) <= room else f"{name[: room - 1]}\u2026"
        middle = left + wide * (column + 0.5)
        out.append(f'<text x="{middle:.1f}" y="18" text-anchor="middle">{escape(short)}</text>')

    for row, (label, values) in enumerate(rows):
        y = top + tall * row
        out.append(row_label(label, left, y + tall / 2, {}))

        for column, value in enumerate(values):
            if value is not None:
                out.append(_cell(value, value / largest, left + wide * column, y, wide, tall))

    return top + tall * len(rows) + 8, out


def _cell(value: float, strength: float, x: float, y: float, wide: float, tall: float) -> str:
    sign = "s0" if value >= 0 else "s1"
    shade = f'<rect class="{sign}" fill="currentColor" fill-opacity="{0.04 + 0.36 * abs(strength):.2f}"'
    size = f'x="{x + 1:.1f}" y="{y + 1:.1f}" width="{wide - 2:.1f}" height="{tall - 2}"'
    middle = f'x="{x + wide / 2:.1f}" y="{y + tall / 2 + 4:.1f}" text-anchor="middle"'
    return f"{shade} {size}/><text {middle}>{compact(round(value, 3))}</text>"


def _linked(name: str, links: Mapping[str, str], mark: str) -> str:
    mark = mark.replace("</text>", f"<title>{escape(name)}</title></text>", 1)
    return f'<a tabindex="-1" href="{escape(links[name])}">{mark}</a>' if name in links else mark


def _shape(index: int) -> str:
    return SHAPES[index % len(SHAPES)]


def _dash(index: int) -> str:
    pattern = DASHES[index % len(DASHES)]
    return f' stroke-dasharray="{pattern}"' if pattern else ""
