"""How numbers and lists read as words: the one place that decides it for the terminal, the reports and the site."""

import math
from collections.abc import Sequence

from bench.analysis.statistics import Interval

DECIMALS = 3
SMALLEST = 6
"""Decimals beyond which a difference of rewards is rounding error, and reads as zero."""


def signed(value: float) -> str:
    """A difference of rewards with its sign and three decimals, or as many more as it takes to show its side.

    A bound of -0.0004 decides a verdict, so it never reads 0.000; that is what zero reads.
    """
    for decimals in range(DECIMALS, SMALLEST + 1):
        text = f"{value:+.{decimals}f}"
        if float(text):
            return text
    return f"{0:.{DECIMALS}f}"


def ends(interval: Interval | None) -> str:
    """The ends of an interval of gains, `[+0.010, +0.030]`; nothing where there is none."""
    if interval is None or not math.isfinite(interval.half_width):
        return ""
    return f"[{signed(interval.low)}, {signed(interval.high)}]"


def with_ends(interval: Interval | None) -> str:
    """A mean and its ends: `+0.020 [+0.010, +0.030]`; nothing where there is none."""
    return f"{signed(interval.mean)} {ends(interval)}".rstrip() if interval else ""


def p_value(p: float | None) -> str:
    """Three decimals; `<0.001` below that."""
    return "" if p is None else "<0.001" if p < 0.001 else f"{p:.3f}"


def figure(value: float) -> str:
    """Three significant digits, thousands separated: 0.742, 53.0, 1,200."""
    short = f"{value:#.3g}".rstrip(".")
    return f"{float(short):,.0f}" if 1000 <= abs(float(short)) < 1e9 else short


def amount(value: float) -> str:
    """Two significant digits, without an exponent where people do without: 70, 2.4, 1,200, 0.018."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if 10 <= abs(rounded) < 1e6 else f"{rounded:.2g}"


def compact(value: float) -> str:
    """The shortest text of a number to four significant digits."""
    text = f"{value:.4g}"
    return text if "e" not in text else text.replace("e+0", "e").replace("e-0", "e-").replace("e+", "e")


def percent(share: float) -> str:
    """A share as a whole percentage; `under 1 %` for what would round to nothing."""
    return "under 1 %" if 0 < share < 0.005 else f"{100 * share:.0f} %"


def plural(count: int, noun: str) -> str:
    """A count with its noun: `1 seed`, `3 seeds`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def listing(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def capital(text: str) -> str:
    """The text with its first letter large, as a sentence begins."""
    return text[:1].upper() + text[1:]


def sentences(*parts: str) -> str:
    """Sentences in one paragraph; empty ones are left out."""
    return " ".join(part for part in parts if part)
