"""Numbers alone, read exactly: integers, decimals, thousands in commas, fractions, mixed numbers. ASCII digits only.

Values are `Fraction`, so that 0.1 is a tenth and a million digits are never computed with. A number longer than
`DIGITS` is none: no answer is that long, and reading one takes time that grows with the square of its length.
"""

import re
from fractions import Fraction

DIGITS = 100
"""Longest number in characters, signs and commas included."""
MINUS = "-\u2212\u2013"
"""A hyphen, the minus sign, and the dash that stands for it."""
WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"

_SIGN = rf"[{MINUS}+]?"
_DECIMAL = rf"(?:{WHOLE}(?:\.[0-9]*)?|\.[0-9]+)"
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_PLAIN = re.compile(_SIGN + _DECIMAL)
_RATIO = re.compile(
    rf"({_SIGN})(?:(?P<whole>{WHOLE})(?=\\|\ ))?(?:\\frac\{{({_SIGN}{WHOLE})\}}\{{({WHOLE})\}}|\ ?({WHOLE})/({WHOLE}))"
)


def number(text: str) -> Fraction | None:
    """The value of a text that is one number and nothing else, or None: 1,234.50, -3, .5, 3/4, \\frac{3}{4}, 2 3/4."""
    if _INTEGER.fullmatch(text):
        return Fraction(int(text))
    if len(text) > DIGITS:
        return None
    if _PLAIN.fullmatch(text):
        return Fraction(_bare(text))
    return _ratio(text)


def _ratio(text: str) -> Fraction | None:
    """The value of a fraction, or of a whole number and a proper fraction side by side."""
    match = _RATIO.fullmatch(text)
    if not match:
        return None

    sign, whole, upper, lower, left, right = (_bare(part or "") for part in match.groups())
    below = int(lower or right)
    if not below or (whole and not 0 < int(upper or left) < below):
        return None

    value = Fraction(int(upper or left), below) + int(whole or 0)
    return -value if sign == "-" else value


def _bare(digits: str) -> str:
    """Digits without commas, with a hyphen for any minus."""
    return digits.replace(",", "").replace("\u2212", "-").replace("\u2013", "-")
