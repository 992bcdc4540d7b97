"""Formulas as trees."""

from fractions import Fraction
from typing import Any, NamedTuple, Self


class Node(NamedTuple):
    """A formula: what is done, and to what. Parts are nodes, but for a number's Fraction and a name's text."""

    kind: str
    parts: tuple[Any, ...]

    @classmethod
    def number(cls, value: int | Fraction) -> Self:
        return cls("number", (Fraction(value),))


def symbols(node: Node) -> frozenset[str]:
    """The letters of a formula."""
    if node.kind == "symbol":
        return frozenset(node.parts)
    return frozenset().union(*(symbols(part) for part in node.parts if isinstance(part, Node)))
