"""The shape of a formula, whatever the order and brackets of its terms: what is left to do in it, what it copies.

A sum is the bag of its signed terms, a product that of its factors, without terms 0 and factors 1: 'b + 2a' and
'(1*a*2) + b + 0' have one shape.
"""

import math
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction

from tasks._formulas.tree import Node

_SUMS, _PRODUCTS = {"+", "-", "negative"}, {"*"}


def shape(node: Node) -> object:
    """A hashable form that two formulas share if they differ in order and brackets alone."""
    if node.kind in _SUMS:
        found = [(sign, term) for sign, term in terms(node) if term != Node.number(0)]
        if len(found) == 1 and found[0][0] > 0:
            return shape(found[0][1])
        return ("sum", *sorted((sign, repr(shape(term))) for sign, term in found))

    if node.kind in _PRODUCTS:
        parts = [factor for factor in factors(node) if factor != Node.number(1)]
        return shape(parts[0]) if len(parts) == 1 else ("product", *sorted(repr(shape(part)) for part in parts))

    return (node.kind, *(shape(part) if isinstance(part, Node) else part for part in node.parts))


def terms(node: Node, sign: int = 1) -> Iterator[tuple[int, Node]]:
    """The terms of a sum with their signs; the node itself if it is none."""
    if node.kind == "negative":
        yield from terms(node.parts[0], -sign)
    elif node.kind in _SUMS:
        yield from terms(node.parts[0], sign)
        yield from terms(node.parts[1], sign if node.kind == "+" else -sign)
    else:
        yield sign, node


def factors(node: Node) -> Iterator[Node]:
    """The factors of a product; the node itself if it is none."""
    if node.kind in _PRODUCTS:
        for part in node.parts:
            yield from factors(part)
    else:
        yield node


def nodes(node: Node) -> Iterator[Node]:
    """A node and all below it."""
    yield node
    for part in node.parts:
        if isinstance(part, Node):
            yield from nodes(part)


def undone(node: Node) -> bool:
    """Whether an operation on numbers is left to be done, or terms to be gathered: 2 + 3, 2x + 3x, sqrt(50)."""
    return any(_undone_here(each) for each in nodes(node))


def _undone_here(node: Node) -> bool:
    if node.kind in _SUMS:
        return _gatherable([term for _, term in terms(node)])
    if node.kind in _PRODUCTS:
        return sum(_is_numeral(factor) for factor in factors(node)) > 1

    if node.kind == "root":
        return _has_root(*node.parts)
    if node.kind == "/":
        upper, lower = node.parts
        return _is_numeral(upper) and _is_numeral(lower) and not (_is_whole(upper) and _is_whole(lower))

    return node.kind in ("^", "factorial", "binomial") and all(_is_numeral(part) for part in node.parts)


def _gatherable(found: list[Node]) -> bool:
    """Whether two terms of a sum are numbers, or multiples of one thing."""
    rests = Counter(
        repr(sorted(repr(shape(part)) for part in factors(term) if not _is_numeral(part))) for term in found
    )
    return any(count > 1 for count in rests.values())


def _is_numeral(node: Node) -> bool:
    """Whether a node is a number as it is written: 3, -3, 0.5, 1/2."""
    if node.kind in ("negative", "mixed"):
        return all(_is_numeral(part) for part in node.parts)
    if node.kind == "/":
        return all(_is_whole(part) for part in node.parts)
    return node.kind == "number"


def _is_whole(node: Node) -> bool:
    if node.kind == "negative":
        return _is_whole(node.parts[0])
    return node.kind == "number" and node.parts[0].denominator == 1


def _has_root(under: Node, degree: Node) -> bool:
    """Whether a root of a whole number has a factor that can be drawn out."""
    if not _is_whole(under) or not _is_whole(degree) or under.kind != "number" or degree.kind != "number":
        return False
    value, power = under.parts[0], degree.parts[0]
    if not 1 < power <= 10 or value > 10**9:
        return False
    most = round(float(value) ** (1 / float(power))) + 1
    return any(value % root ** int(power) == 0 for root in range(2, min(most, 40_000) + 1))


def reducible(node: Node) -> bool:
    """Whether there is a fraction of whole numbers with a common factor."""
    pairs = [each.parts for each in nodes(node) if each.kind == "/" and all(_is_whole(part) for part in each.parts)]
    return any(math.gcd(_integer(upper), _integer(lower)) > 1 for upper, lower in pairs)


def _integer(node: Node) -> int:
    value: Fraction = node.parts[0].parts[0] if node.kind == "negative" else node.parts[0]
    return value.numerator


def has_bracket(node: Node) -> bool:
    """Whether there is a product with, or a power of, a sum."""
    return any(
        (each.kind in _PRODUCTS and any(factor.kind in _SUMS for factor in factors(each)))
        or (each.kind == "^" and each.parts[0].kind in _SUMS)
        for each in nodes(node)
    )


def adds_brackets(node: Node) -> bool:
    """Whether there is a sum with a term that has a bracket, such as 2(x + 1) - 3(x - 1)."""
    return any(each.kind in _SUMS and any(has_bracket(term) for _, term in terms(each)) for each in nodes(node)) and (
        len(list(terms(node))) > 1
    )
