"""Numbers in replies, read exactly: integers, decimals, thousands in commas, fractions. ASCII digits only.

Values are `Fraction`, so that 0.1 is a tenth and a million digits are never computed with. A number longer than
`DIGITS` is none: no answer is that long, and reading one takes time that grows with the square of its length.
"""

import re
from fractions import Fraction

DIGITS = 100
"""Longest number in characters, signs and commas included."""
TAIL = 300
"""Characters at the end of a text in which its last number is looked for."""

_SIGN = r"[-+\u2212]?"
_WHOLE = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"
_DECIMAL = rf"(?:{_WHOLE}(?:\.[0-9]*)?|\.[0-9]+)"
_INTEGER = re.compile(r"-?[0-9]{1,18}")
_PLAIN = re.compile(_SIGN + _DECIMAL)
_RATIO = re.compile(rf"({_SIGN})(?:\\frac\{{({_SIGN}{_WHOLE})\}}\{{({_WHOLE})\}}|({_WHOLE})/({_WHOLE}))")
_WITHIN = re.compile(
    rf"(?<![\w.,])(?:(?<![)\]}}])[-\u2212])?(?:{_WHOLE}(?:\.[0-9]+)?|(?<![0-9])\.[0-9]+)(?!\w|[.,][0-9])"
)
"""A number in running text. A hyphen after a word, a digit or a closing bracket is no sign; digits in a word are
no number."""

_FORMULA = re.compile(r"[*/^_]\s*[({]?\s*-?[0-9]|[0-9]\s*[*^]|\\(?:frac|sqrt)")


def number(text: str) -> Fraction | None:
    """The value of a text that is one number and nothing else, or None: 1,234.50, -3, .5, 3/4, \\frac{3}{4}."""
    if _INTEGER.fullmatch(text):
        return Fraction(int(text))
    if len(text) > DIGITS:
        return None
    if _PLAIN.fullmatch(text):
        return Fraction(_bare(text))
    return _ratio(text)


def _ratio(text: str) -> Fraction | None:
    match = _RATIO.fullmatch(text)
    if not match:
        return None
    sign, upper, lower, left, right = (_bare(part or "") for part in match.groups())
    below = int(lower or right)
    if not below:
        return None
    value = Fraction(int(upper or left), below)
    return -value if sign == "-" else value


def _bare(digits: str) -> str:
    return digits.replace(",", "").replace("\u2212", "-")


def only_number(text: str) -> Fraction | None:
    """The value of the one number in a text of at most TAIL characters ('$72 a week'), or None if it has none or two.

    None, too, if the number is part of a formula.
    """
    if len(text) > TAIL or _FORMULA.search(text):
        return None
    found = _WITHIN.findall(text)
    return number(found[0]) if len(found) == 1 else None


def last_number(text: str) -> Fraction | None:
    """The value of the last number among the last TAIL characters, or None. One cut by that limit is none."""
    tail = text[-TAIL:]
    found = list(_WITHIN.finditer(tail))
    if not found or (found[-1].start() == 0 and len(text) > TAIL):
        return None
    return number(found[-1].group())
