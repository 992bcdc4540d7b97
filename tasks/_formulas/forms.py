r"""One form for structures that mean the same: 'x < 3' is an interval, a set the list of its items, \pm two values."""

from tasks._formulas.statements import bare
from tasks._formulas.tree import Node, symbols

_LINE = Node("tuple", ("()", Node("negative", (Node("constant", ("inf",)),)), Node("constant", ("inf",))))


def flat(node: Node) -> Node:
    r"""A node with \pm written out as two, a set as the list of its items, lists in lists as one, R as an interval."""
    if node.kind == "reals":
        return _LINE
    if node == Node("set", ()):
        return Node("empty", ())

    if node.kind in ("set", "list"):
        parts = [flat(part) for part in node.parts]
        items = [item for part in parts for item in (part.parts if part.kind == "list" else [part])]
        return Node("list", tuple(items)) if len(items) > 1 else items[0]

    if not _has_sign(node):
        return node
    return Node("list", tuple(_signed(node, up) for up in (True, False)))


def _has_sign(node: Node) -> bool:
    return node.kind in (r"\pm", r"\mp") or any(_has_sign(part) for part in node.parts if isinstance(part, Node))


def _signed(node: Node, up: bool) -> Node:
    r"""A node with + for \pm if up, else with -; with the opposite for \mp."""
    parts = tuple(_signed(part, up) if isinstance(part, Node) else part for part in node.parts)
    if node.kind not in (r"\pm", r"\mp"):
        return Node(node.kind, parts)
    plus = up == (node.kind == r"\pm")
    if len(parts) == 2:
        return Node("+" if plus else "-", parts)
    return parts[0] if plus else Node("negative", parts)


def interval(node: Node) -> tuple[str, Node] | None:
    """The letter of an inequality in one letter alone, and the interval it means; None for any other node."""
    if node.kind != "chain":
        return None

    relations, *sides = oriented(node).parts
    letters = [place for place, side in enumerate(sides) if side.kind == "symbol"]
    if len(letters) != 1 or any(symbols(side) for place, side in enumerate(sides) if place != letters[0]):
        return None

    name, infinity = sides[letters[0]].parts[0], Node("constant", ("inf",))
    low, high = Node("negative", (infinity,)), infinity

    if relations == ("!=",):
        other = bare(sides[1 - letters[0]])[0]
        return name, Node("union", (Node("tuple", ("()", low, other)), Node("tuple", ("()", other, high))))
    if not set(relations) <= {"<", "<="} or len(sides) > 3 or (len(sides) == 3 and letters != [1]):
        return None

    opening = closing = ""
    if letters[0] > 0:
        low, opening = bare(sides[0])[0], relations[0]
    if letters[0] < len(sides) - 1:
        high, closing = bare(sides[-1])[0], relations[-1]

    brackets = ("[" if opening == "<=" else "(") + ("]" if closing == "<=" else ")")
    return name, Node("tuple", (brackets, low, high))


def union(node: Node) -> Node:
    """A list of inequalities in one letter as the union of their intervals; any other node as it is."""
    found = [interval(part) for part in node.parts] if node.kind == "list" else []
    if not found or len({each[0] if each else "" for each in found}) != 1 or None in found:
        return node
    return Node("union", tuple(each[1] for each in found if each))


def oriented(chain: Node) -> Node:
    """A chain whose inequalities point to the right."""
    relations, *sides = chain.parts
    if not set(relations) <= {">", ">="}:
        return chain
    turned = tuple({">": "<", ">=": "<="}[relation] for relation in relations[::-1])
    return Node("chain", (turned, *sides[::-1]))
