r"""What an answer states: a value, perhaps with a label before it ('x = 5'), a unit behind it, or a sum written out.

'x = 2 + 3 = 5 \text{ cm}' has the label x, the values 2 + 3 and 5, which must be equal, and the unit cm. An equation
that is none of this ('x^2 + y^2 = 13') stays an equation.
"""

from typing import NamedTuple

from tasks._formulas.tree import Node, symbols

FUNCTIONS = frozenset("fghpqFGPQ")
"""Letters that name functions: 'f(x)' is one's value, where 'ab' is a product."""


class Statement(NamedTuple):
    """An answer taken apart.

    exact, rough: the sides of a chain of = and of approximately-equal signs; one exact side where there is no chain.
    """

    label: str
    exact: tuple[Node, ...]
    rough: tuple[Node, ...]
    unit: str


def statement(node: Node) -> Statement | None:
    """What a node states, or None for an inequality or a chain of other relations."""
    if node.kind == "about":
        value, unit = bare(node.parts[0])
        return Statement("", (), (value,), unit)
    if node.kind != "chain":
        value, unit = bare(node)
        return Statement("", (value,), (), unit)

    relations, *sides = node.parts
    if len(relations) == 1 and is_label(sides[1], [sides[0]]) and not is_label(sides[0], [sides[1]]):
        sides.reverse()
    if not set(relations) <= {"=", "~", "in"} or "in" in relations[1:]:
        return None

    label = ""
    if is_label(sides[0], sides[1:]):
        label, sides = ",".join(_names(sides[0])), sides[1:]
    else:
        relations = ("=", *relations)
    if "in" in relations and not label:
        return None

    values = [bare(side) for side in sides]
    sorts: dict[bool, list[Node]] = {True: [], False: []}
    for (value, _), relation in zip(values, relations, strict=True):
        sorts[relation != "~"].append(value)

    unit = next((unit for _, unit in values[::-1] if unit), "")
    return Statement(label, tuple(sorts[True]), tuple(sorts[False]), unit)


def bare(node: Node) -> tuple[Node, str]:
    """A value without its unit, and the unit: a known one, or ''."""
    if node.kind == "measured":
        return bare(node.parts[0])[0], node.parts[1]
    if node.kind == "degrees":
        return node.parts[0], ""
    if node.kind == "negative" and node.parts[0].kind in ("degrees", "measured"):
        inner, unit = bare(node.parts[0])
        return Node("negative", (inner,)), unit
    return node, ""


def is_label(node: Node, others: list[Node]) -> bool:
    """Whether a side only names the others: letters that are in none of them, or f(x)."""
    names = _names(node)
    return bool(names) and not any({*names} & symbols(other) for other in others)


def _names(node: Node) -> tuple[str, ...]:
    """The letter of 'x', 'f(x)', 'f(2)' or 'f^{-1}(x)', those of '(x, y)'; none of anything else."""
    if node.kind == "symbol":
        return node.parts
    if node.kind == "tuple" and all(part.kind == "symbol" for part in node.parts[1:]):
        return tuple(part.parts[0] for part in node.parts[1:])
    if node.kind == "*" and node.parts[1].kind in ("symbol", "number"):
        function = node.parts[0].parts[0] if node.parts[0].kind == "^" else node.parts[0]
        return function.parts if function.kind == "symbol" and function.parts[0] in FUNCTIONS else ()
    return ()


def same_label(one: str, other: str) -> bool:
    """Whether two labels may name one thing; f(x) and y both name a function's value."""
    return not one or not other or one.lower() == other.lower() or {one, other} <= FUNCTIONS | {"y"}
