r"""A number alone but for label, unit and what multiplies it: 'x=5', '5\text{cm}^2', '5 apples', '7 million'."""

import re
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

from tasks._formulas.numbers import number
from tasks._formulas.units import KNOWN, unit


class Quantity(NamedTuple):
    """label: the letter before an equals sign, or ''; unit: as in `tasks._formulas.units.Unit`."""

    value: Fraction
    label: str
    unit: str


_QUANTITY = re.compile(
    r"(?:(?P<label>[a-zA-Z])=)?"
    r"(?P<number>[-+]?(?:[0-9.,]+(?:/[0-9,]+|[ ][0-9]+/[0-9]+)?|[0-9]*\\frac\{[-0-9,]+\}\{[0-9,]+\}))"
    r"(?:\^\\circ|(?P<glued>[a-zA-Z]{2,3})|\\text\{(?P<text>[^{}]*)\}|[ ](?P<words>[a-zA-Z][a-zA-Z ]*))?"
    r"(?:\^\{?(?P<power>[23])\}?)?"
)
_NO_UNITS = frozenset({"in", "am", "pm"})
"""Units that are letters of a formula where they follow a number at once."""


@lru_cache(maxsize=2**14)
def quantity(text: str) -> Quantity | None:
    """The quantity that a text in plain spelling is, or None."""
    match = _QUANTITY.fullmatch(text)
    value = number(match["number"]) if match else None
    if match is None or value is None:
        return None

    label, power, glued = match["label"] or "", match["power"], match["glued"]
    words = match["text"] or match["words"] or glued
    if not words:
        return None if power else Quantity(value, label, "")

    found = unit(words)
    if found is None or (glued and (glued.lower() not in KNOWN or glued in _NO_UNITS)):
        return None
    return Quantity(value * found.factor, label, f"{found.name}^{power}" if power else found.name)
