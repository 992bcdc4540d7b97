"""Scales of a chart: from values to positions, and where the ticks are."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from bench.analysis.text import compact


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps values from `low` to `high` onto positions from `start` to `end`; logarithmic if `log`."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False
    ticks: tuple[float, ...] = ()
    first: float = field(init=False)
    scale: float = field(init=False)

    def __post_init__(self) -> None:
        low, high = (math.log10(self.low), math.log10(self.high)) if self.log else (self.low, self.high)
        object.__setattr__(self, "first", low)
        object.__setattr__(self, "scale", 1 / (high - low))

    def __call__(self, value: float) -> float:
        """Position of a value, in pixels; values beyond the axis lie at its ends."""
        share = ((math.log10(value) if self.log else value) - self.first) * self.scale
        share = 0.0 if share < 0 else 1.0 if share > 1 else share
        return self.start + share * (self.end - self.start)

    def labels(self) -> list[tuple[float, str]]:
        """Position and text of each tick."""
        return [(self(tick), compact(tick)) for tick in self.ticks]


def axis(values: Iterable[float], start: float, end: float, *, log: bool = False, count: int = 5) -> Axis:
    """An axis over the values, with round ends; on a logarithmic one only positive values count."""
    known = [value for value in values if math.isfinite(value) and (value > 0 or not log)]
    low, high = (min(known), max(known)) if known else (1.0, 10.0) if log else (0.0, 1.0)
    return _logarithmic(low, high, start, end) if log else _linear(low, high, start, end, count)


def _linear(low: float, high: float, start: float, end: float, count: int) -> Axis:
    # Equal values still need a scale.
    if high - low < 1e-9 * max(abs(low), abs(high), 1e-9):
        room = abs(low) / 10 or 0.5
        low, high = low - room, high + room

    step = _round_step((high - low) / count)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    # Rounding the product takes the last bits away that 3 * 0.1 has too many.
    digits = max(0, 2 - math.floor(math.log10(step)))
    ticks = tuple(round(index * step, digits) + 0.0 for index in range(first, last + 1))

    return Axis(ticks[0], ticks[-1], start, end, ticks=ticks)


def _round_step(raw: float) -> float:
    unit = 10.0 ** math.floor(math.log10(raw))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= raw * 0.999)


def _logarithmic(low: float, high: float, start: float, end: float) -> Axis:
    first, last = math.floor(math.log10(low) + 1e-9), math.ceil(math.log10(high) - 1e-9)
    factors = (1, 2, 5) if last - first <= 2 else (1,)
    jump = max(1, (last - first) // 6)
    marks = [f * 10.0**decade for decade in range(first, max(last, first + 1) + 1, jump) for f in factors]
    below = max((mark for mark in marks if mark <= low * (1 + 1e-9)), default=10.0**first)
    above = min((mark for mark in marks if mark >= high * (1 - 1e-9) and mark > below), default=10.0 ** (last + 1))

    return Axis(below, above, start, end, True, tuple(mark for mark in marks if below <= mark <= above))
