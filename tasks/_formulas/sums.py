"""What a sum written out in a reply gives: '9 * 2', '$3.50 + 2 x 4', '12/5'; exactly, and nothing but fractions."""

import re
from collections.abc import Callable, Mapping
from fractions import Fraction

from tasks._formulas.lexer import Unreadable
from tasks._formulas.reader import read
from tasks._formulas.spelling import plain
from tasks._formulas.tree import Node
from tasks._formulas.units import unit

LONGEST = 200
"""Longest sum in characters, which bounds the size of its value."""
_TIMES = re.compile(r"(?<=[0-9)])\s?x\s?(?=[0-9(])")
_WORD = re.compile(r"(?<![a-zA-Z\\])[a-zA-Z]{2,}")


def result(text: str) -> Fraction | None:
    """The exact value that all sides of a text have, such as '3 * 4 = 12'; None if it has none or two.

    A first side without digits is a label. Units do not count.
    """
    if len(text) > LONGEST:
        return None
    words = _WORD.sub(lambda found: "" if (is_unit := unit(found[0])) and is_unit.factor == 1 else found[0], text)
    sides = _TIMES.sub("*", words).split("=")
    if len(sides) > 1 and not re.search("[0-9]", sides[0]):
        del sides[0]
    values = {_value(side) for side in sides}
    return values.pop() if len(values) == 1 else None


def _value(side: str) -> Fraction | None:
    try:
        return _exact(read(plain(side)))
    except (Unreadable, ZeroDivisionError):
        return None


_ACTS: Mapping[str, Callable[..., Fraction]] = {
    "+": lambda one, other: one + other,
    "mixed": lambda one, other: one + other,
    "-": lambda one, other: one - other,
    "*": lambda one, other: one * other,
    "/": lambda one, other: one / other,
    "negative": lambda value: -value,
    "percent": lambda value: value / 100,
    "^": lambda base, exponent: _power(base, exponent),
}


def _power(base: Fraction, exponent: Fraction) -> Fraction:
    """A small whole power of a number that is no monster. Unreadable for any other."""
    if exponent.denominator > 1 or not 0 <= exponent <= 20 or base.denominator > 10**6 or abs(base) > 10**6:
        raise Unreadable("a power")
    return base**exponent.numerator


def _exact(node: Node) -> Fraction:
    """The value of numbers under + - * / alone. Unreadable for anything else, ZeroDivisionError."""
    if node.kind == "number":
        return Fraction(node.parts[0])
    if node.kind not in _ACTS:
        raise Unreadable(node.kind)
    return _ACTS[node.kind](*(_exact(part) for part in node.parts))
