"""Values of formulas at random places, and what follows from them: equal, proportional, rounded.

Two formulas with letters are the same if they agree wherever both are real numbers. A polynomial that is not zero is
zero at none of these places but by a chance of one in millions. Without letters there is one place.
"""

import random
from fractions import Fraction

from tasks._formulas.lexer import Unreadable
from tasks._formulas.tree import Node, symbols
from tasks._formulas.values import DIGITS, Number, Undefined, close, cut, evaluate, inexact, is_real, nearest

POSITIVE, MIXED = 3, 3
"""Places at which all letters are positive, and at which all, every second or every other one is negative."""
FEWEST = 2
"""Places at which two formulas with letters must have values for a verdict."""
DECIMALS = 6
"""Decimals, and digits that are not leading zeros, from which on a decimal stands for a formula."""


class Places:
    """Where the formulas of one comparison are evaluated.

    seed: what the letters' values are drawn from; logarithm: the base of `log` where none is written, 0 for e.
    """

    def __init__(self, seed: str, logarithm: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 - not a secret
        self.logarithm = logarithm
        self.drawn: dict[tuple[str, int, bool], Fraction] = {}

    def equal(self, one: Node, other: Node) -> bool:
        """Whether two formulas have the same value at all places."""
        pairs = self.pairs(one, other)
        fewest = FEWEST if symbols(one) or symbols(other) else 1
        return len(pairs) >= fewest and all(close(*pair) for pair in pairs)

    def proportional(self, one: Node, other: Node, *, signed: bool) -> bool:
        """Whether two formulas differ by a factor alone; signed: by a positive one."""
        pairs = self.pairs(one, other)
        if len(pairs) < FEWEST or not all(a and b for a, b in pairs):
            return False

        factors = [inexact(a) / inexact(b) for a, b in pairs]
        if signed and not all(is_real(factor) and factor > 0 for factor in factors):
            return False
        return all(close(factors[0], factor) for factor in factors)

    def rounded(self, exact: Node, decimal: Node) -> bool:
        """Whether a decimal is a number rounded, or cut, at the last place that is written."""
        unit = _unit(decimal)
        if unit is None:
            return False
        values = [(a, b) for a, b in self.pairs(exact, decimal) if is_real(a) and not isinstance(a, float)]
        return bool(values) and all(b in (nearest(a, unit), cut(a, unit)) for a, b in values)

    def decimal(self, exact: Node, decimal: Node) -> bool:
        """Whether a decimal is long enough, and right, to stand for a formula without letters that is no fraction."""
        unit = _unit(decimal)
        if unit is None or unit > Fraction(1, 10**DECIMALS) or exact.kind == "number" or symbols(exact):
            return False
        values = [a for a, b in self.pairs(exact, decimal) if not isinstance(a, Fraction) and abs(b / unit) >= 10**5]
        return bool(values) and self.rounded(exact, decimal)

    def pairs(self, one: Node, other: Node) -> list[tuple[Number, Number]]:
        """The values of two formulas at all places where both have one.

        Nothing if either is no value at all, or has none at a place where the other has.
        """
        letters = sorted(symbols(one) | symbols(other))
        whole = _counts(one) or _counts(other)
        count = POSITIVE if whole else POSITIVE + MIXED

        found = []
        for place in range(count if letters else 1):
            values = {name: self.letter(name, place, _sign(place, each), whole) for each, name in enumerate(letters)}
            try:
                pair = self.value(one, values), self.value(other, values)
            except Unreadable:
                return []
            if (pair[0] is None) != (pair[1] is None):
                return []
            if pair[0] is not None and (place < POSITIVE or is_real(pair[0]) or is_real(pair[1])):
                found.append(pair)

        return found

    def value(self, node: Node, letters: dict[str, Fraction]) -> Number | None:
        """The value of a formula, or None where it has none. Unreadable if it is no value at all."""
        try:
            return evaluate(node, letters, logarithm=self.logarithm)
        except Undefined:
            return None

    def letter(self, name: str, place: int, sign: int, whole: bool) -> Fraction:
        """The value of a letter at a place, the same for every formula of the comparison."""
        if (name, place, whole) not in self.drawn:
            value = Fraction(self.random.randint(10**6, 10**7), self.random.randint(3 * 10**6, 4 * 10**6))
            self.drawn[name, place, whole] = Fraction(self.random.randint(5, 40)) if whole else value * sign
        return self.drawn[name, place, whole]


def _sign(place: int, letter: int) -> int:
    """The sign of a letter, by its number, at a place."""
    return -1 if place == POSITIVE or (place > POSITIVE and (letter + place) % 2 == 0) else 1


def _counts(node: Node) -> bool:
    """Whether a formula has factorials or binomials, whose letters are whole numbers."""
    return node.kind in ("factorial", "binomial") or any(_counts(part) for part in node.parts if isinstance(part, Node))


def _unit(node: Node) -> Fraction | None:
    """One unit of the last written place of a decimal, without zeros at its end; None for anything else."""
    inner = node.parts[0] if node.kind == "negative" else node
    if inner.kind != "number":
        return None
    lower, unit = inner.parts[0].denominator, 1
    while unit % lower and unit < 10**DIGITS:
        unit *= 10
    return Fraction(1, unit) if unit % lower == 0 else None
