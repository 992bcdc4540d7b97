"""How values read on a page: the words of `bench.analysis.text`, and what only pages need."""

import json
import math
import re
from collections.abc import Mapping
from typing import Any

from bench.analysis import text
from bench.analysis.statistics import Interval
from bench.analysis.text import compact, p_value, plural, signed

DASH = "\u2013"
"""Stands where a number is not known."""


def ends(interval: Interval) -> str:
    """The ends of an interval of gains; words for a single seed, which has none."""
    return text.ends(interval) or "one seed, no interval"


def margin(interval: Interval) -> str:
    """The half-width of an interval; words for a single value, which has none."""
    return f"\u00b1\u00a0{interval.half_width:.3f}" if math.isfinite(interval.low) else "one seed"


def figure(value: float | None) -> str:
    """A number with three significant digits; a dash for one that is not known."""
    return DASH if value is None or not math.isfinite(value) else text.figure(value)


def percent(value: float | None) -> str:
    """A share in percent, unbroken; a dash for one that is not known."""
    return DASH if value is None else text.percent(value).replace(" ", "\u00a0")


def mebibytes(value: int) -> str:
    """Bytes as MiB."""
    return f"{value / 2**20:,.0f}\u00a0MiB"


def parts(name: str) -> list[str]:
    """The words of a name, each with the sign that ends it."""
    return re.split(r"(?<=[_/+])", name)


def counter(value: float) -> str:
    """A counter with its thousands separated; seconds with one decimal."""
    return f"{value:,.1f}" if isinstance(value, float) else f"{value:,}"


def settings(values: Mapping[str, Any]) -> str:
    """Settings on one line, in ASCII whatever they hold."""
    return ", ".join(f"{json.dumps(key)[1:-1]} = {json.dumps(values[key])}" for key in sorted(values))


FILTERS = (signed, ends, margin, figure, compact, p_value, percent, mebibytes, parts, counter, settings, plural)
"""What templates may use."""
