"""Expressions of whole numbers with + - * / and brackets, read by our own parser and computed exactly."""

import re
from dataclasses import dataclass
from fractions import Fraction

LONGEST = 200
"""Longest expression in characters; it bounds the depth of brackets and the size of every number."""

_TOKEN = re.compile(r"\s*(?:(0|[1-9][0-9]*)(?![0-9])|([-+*/()]))")
_SPELLINGS = (
    ("\\times", "*"), ("\\cdot", "*"), ("\u00d7", "*"), ("\u00b7", "*"), ("\\div", "/"), ("\u00f7", "/"),
    ("\u2212", "-"), ("\\left", ""), ("\\right", ""), ("$", ""),
)  # fmt: skip


class NotArithmetic(Exception):
    """A text that is no such expression, or divides by zero."""


@dataclass(frozen=True, slots=True)
class Result:
    """What an expression gives. numbers: those written in it, from left to right."""

    value: Fraction
    numbers: list[int]


def compute(expression: str) -> Result:
    """The value of an expression and the numbers in it. Signs are operators between two values, never before one.

    LaTeX and typographic signs are read, too. NotArithmetic if it is anything else or longer than LONGEST.
    """
    if len(expression) > LONGEST:
        raise NotArithmetic
    for written, sign in _SPELLINGS:
        expression = expression.replace(written, sign)

    tokens = _tokens(expression.strip())
    value = _sum(tokens)
    if tokens:
        raise NotArithmetic
    return Result(value, [int(number) for number in re.findall("[0-9]+", expression)])


def _tokens(text: str) -> list[str]:
    """The tokens in reverse, so that the next one is popped from the end."""
    tokens, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if not match:
            raise NotArithmetic
        tokens.append(match[1] or match[2])
        place = match.end()
    return tokens[::-1]


def _sum(tokens: list[str]) -> Fraction:
    value = _product(tokens)
    while tokens and tokens[-1] in "+-":
        sign, other = tokens.pop(), _product(tokens)
        value = value + other if sign == "+" else value - other
    return value


def _product(tokens: list[str]) -> Fraction:
    value = _atom(tokens)
    while tokens and tokens[-1] in "*/":
        sign, other = tokens.pop(), _atom(tokens)
        if sign == "/" and not other:
            raise NotArithmetic
        value = value * other if sign == "*" else value / other
    return value


def _atom(tokens: list[str]) -> Fraction:
    first = tokens.pop() if tokens else ""
    if first.isdecimal():
        return Fraction(int(first))

    if first != "(":
        raise NotArithmetic
    value = _sum(tokens)
    if not tokens or tokens.pop() != ")":
        raise NotArithmetic
    return value
