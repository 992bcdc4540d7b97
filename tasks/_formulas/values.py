"""The value of a formula: an exact fraction where it has one, else a real or complex number to DIGITS digits.

Letters take values from outside. Every operation is bounded: what is too large to be computed at once has no value.
"""

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from functools import cache
from typing import Any, TypeAlias

from mpmath import mp  # type: ignore[import-untyped]

from tasks._formulas.lexer import Unreadable
from tasks._formulas.tree import Node

DIGITS = 100
"""Decimal digits of a value that is no fraction."""
BITS = 20_000
"""Largest numerator and denominator that stay exact, in bits."""
MAGNITUDE = 100_000
"""Largest binary exponent of a value."""
FACTORIAL = 3000
"""Largest number whose factorial is computed."""

Number: TypeAlias = Any
"""Fraction, mpmath.mpf or mpmath.mpc."""
INFINITY = math.inf

mp.dps = DIGITS


class Undefined(Unreadable):
    """A formula without a value at this place: a division by zero, or a number too large."""


def evaluate(node: Node, letters: Mapping[str, Fraction], *, logarithm: int = 0) -> Number:
    """The value of a formula with these values of its letters.

    logarithm: the base of `log` where the formula gives none; 0 is e. Undefined where there is no value, Unreadable
    if the formula is no value at all, but a list, say.
    """
    kind, parts = node
    if kind == "number":
        return parts[0]
    if kind == "symbol":
        return letters[parts[0]]
    if kind == "constant":
        return _constant(parts[0])
    if kind == "function":
        return _function(parts[0], [evaluate(part, letters, logarithm=logarithm) for part in parts[1:]], logarithm)

    act = OPERATIONS.get(kind)
    if act is None:
        raise Unreadable(kind)
    return _bounded(act(*(evaluate(part, letters, logarithm=logarithm) for part in parts)))


def close(one: Number, other: Number) -> bool:
    """Whether two values are the same: exactly where both are fractions, else to three quarters of DIGITS.

    The difference counts beside the larger of the two, so that 1e-40 and 1e-50 differ.
    """
    if isinstance(one, Fraction) and isinstance(other, Fraction):
        return one == other
    if INFINITY in (one, other) or -INFINITY in (one, other):
        return bool(one == other)
    left, right = inexact(one), inexact(other)
    return bool(abs(left - right) <= max(abs(left), abs(right)) * mp.mpf(10) ** (-DIGITS * 3 // 4))


def inexact(value: Number) -> Number:
    """A value to DIGITS digits."""
    return mp.mpf(value.numerator) / value.denominator if isinstance(value, Fraction) else value


def is_real(value: Number) -> bool:
    """Whether a value is a real number, infinity included."""
    return not isinstance(value, mp.mpc)


def nearest(value: Number, unit: Fraction) -> Fraction:
    """A real number rounded to whole units."""
    return int(mp.nint(inexact(value) / inexact(unit))) * unit


def cut(value: Number, unit: Fraction) -> Fraction:
    """A real number without what is less than a unit."""
    return int(inexact(value) / inexact(unit)) * unit


def _bounded(value: Number) -> Number:
    """A value that is small enough to go on with."""
    if isinstance(value, Fraction):
        if max(value.numerator.bit_length(), value.denominator.bit_length()) <= BITS:
            return value
        value = inexact(value)
    if isinstance(value, float):
        return value

    if isinstance(value, mp.mpc) and not value.imag:
        value = value.real
    if not mp.isfinite(value) or (value and abs(mp.mag(value)) > MAGNITUDE):
        raise Undefined("too large")
    return value


@cache
def _constant(name: str) -> Number:
    return {"pi": +mp.pi, "e": +mp.e, "i": mp.mpc(0, 1), "inf": INFINITY}[name]


def _arithmetic(exact: Callable[[Any, Any], Any]) -> Callable[[Number, Number], Number]:
    """An operation on two numbers, exact on fractions."""

    def act(one: Number, other: Number) -> Number:
        if isinstance(one, float) or isinstance(other, float):
            raise Undefined("arithmetic with infinity")
        if isinstance(one, Fraction) and isinstance(other, Fraction):
            return exact(one, other)
        return exact(inexact(one), inexact(other))

    return act


def _divide(one: Number, other: Number) -> Number:
    if not other:
        raise Undefined("division by zero")
    return one / other


def _power(base: Number, exponent: Number) -> Number:
    if not base:
        if not isinstance(exponent, Fraction) or exponent <= 0:
            raise Undefined("a power of zero")
        return Fraction(0)

    if isinstance(exponent, Fraction) and exponent.denominator == 1 and abs(exponent) <= BITS:
        if isinstance(base, Fraction):
            bits = max(base.numerator.bit_length(), base.denominator.bit_length())
            if bits * abs(exponent) <= 2 * BITS:
                return base**exponent.numerator
        return inexact(base) ** exponent.numerator

    return mp.exp(_small(inexact(exponent) * mp.log(inexact(base)), MAGNITUDE))


def _root(value: Number, degree: Number) -> Number:
    """The real root where there is one, of an odd degree too."""
    if not isinstance(degree, Fraction) or degree.denominator != 1 or not 1 < degree <= 100:
        raise Undefined("a root of that degree")
    if isinstance(value, Fraction):
        exact = _exact_root(abs(value), degree.numerator)
        if exact is not None and (value >= 0 or degree % 2):
            return exact if value >= 0 else -exact

    number = inexact(value)
    if degree % 2 and not isinstance(number, mp.mpc) and number < 0:
        return -mp.root(-number, degree.numerator)
    return mp.root(number, degree.numerator)


def _exact_root(value: Fraction, degree: int) -> Fraction | None:
    """The root of a fraction where it is a fraction."""
    parts = []
    for part in (value.numerator, value.denominator):
        root = int(mp.nint(mp.root(mp.mpf(part), degree))) if part.bit_length() <= 3 * DIGITS else -1
        if root**degree != part:
            return None
        parts.append(root)
    return Fraction(*parts)


def _whole(value: Number, most: int) -> int:
    if not isinstance(value, Fraction) or value.denominator != 1 or not 0 <= value <= most:
        raise Undefined("no small whole number")
    return value.numerator


def _real(value: Number) -> Number:
    if isinstance(value, mp.mpc):
        raise Undefined("not real")
    return value


def _small(value: Number, most: int) -> Number:
    if abs(value) > most:
        raise Undefined("too large")
    return value


def _negative(value: Number) -> Number:
    return -value


def _floor(value: Number) -> Number:
    value = _real(value)
    return Fraction(math.floor(value) if isinstance(value, Fraction) else int(mp.floor(_small(value, 10**DIGITS))))


OPERATIONS: Mapping[str, Callable[..., Number]] = {
    "+": _arithmetic(lambda one, other: one + other),
    "mixed": _arithmetic(lambda one, other: one + other),
    "-": _arithmetic(lambda one, other: one - other),
    "*": _arithmetic(lambda one, other: one * other),
    "/": _arithmetic(_divide),
    "^": _arithmetic(_power),
    "root": _arithmetic(_root),
    "negative": _negative,
    "abs": lambda value: abs(value),
    "floor": _floor,
    "ceil": lambda value: -_floor(-value),
    "percent": lambda value: _arithmetic(_divide)(value, Fraction(100)),
    "degrees": lambda value: inexact(_real(value)) * mp.pi / 180,
    "factorial": lambda value: Fraction(math.factorial(_whole(value, FACTORIAL))),
    "binomial": lambda one, other: Fraction(math.comb(_whole(one, FACTORIAL), _whole(other, FACTORIAL))),
}
_TRIGONOMETRIC = {"sin": mp.sin, "cos": mp.cos, "tan": mp.tan, "cot": mp.cot, "sec": mp.sec, "csc": mp.csc,
                  "arcsin": mp.asin, "arccos": mp.acos, "arctan": mp.atan, "sinh": mp.sinh, "cosh": mp.cosh,
                  "tanh": mp.tanh, "exp": mp.exp}  # fmt: skip
_LOGARITHMS = {"ln": 0, "lg": 10}


def _function(name: str, given: list[Number], logarithm: int) -> Number:
    """A function's value. given: its argument, and its base where one is written."""
    if any(isinstance(value, float) for value in given):
        raise Undefined("a function of infinity")

    argument, *base = (inexact(value) for value in given)
    if name in _TRIGONOMETRIC:
        if base:
            raise Unreadable("an index of a function")
        return _bounded(_TRIGONOMETRIC[name](_small(argument, 10**6)))

    number = base[0] if base else mp.mpf(_LOGARITHMS.get(name, logarithm))
    if not argument or number == 1:
        raise Undefined("no logarithm")
    value = mp.log(argument)
    return _bounded(value / mp.log(number) if number else value)
