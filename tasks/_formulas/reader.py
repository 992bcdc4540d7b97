r"""The tree of an answer: values, lists, tuples, intervals, sets, unions, matrices, equations, inequalities, ratios.

All of a text is read or none of it: what follows no rule raises Unreadable. `tasks._formulas.terms` reads values.
"""

from functools import lru_cache

from tasks._formulas.lexer import Token, Unreadable, tokens
from tasks._formulas.terms import Terms
from tasks._formulas.tree import Node
from tasks._formulas.units import unit

RELATIONS = {
    "=": "=", "<": "<", ">": ">", r"\lt": "<", r"\gt": ">", r"\le": "<=", r"\ge": ">=", r"\ne": "!=",
    r"\in": "in", r"\approx": "~", r"\equiv": "mod",
}  # fmt: skip


@lru_cache(maxsize=2**12)
def read(text: str) -> Node:
    """The tree of a text in its plain spelling. Unreadable if any part of it is not understood, or nests too deep."""
    reader = _Reader(tokens(text))
    node = reader.answer()
    if reader.rest():
        raise Unreadable(text)
    return node


class _Reader(Terms):
    def __init__(self, found: list[Token]) -> None:
        super().__init__(found)

    def answer(self) -> Node:
        """One statement, or several between commas: a list, whose order does not count."""
        items = [self.statement()]
        while self.skip_commas():
            items.append(self.statement())
        return items[0] if len(items) == 1 else Node("list", tuple(items))

    def skip_commas(self) -> bool:
        """Pass over one comma or semicolon, or two as in '1, 2, and 3'."""
        before = self.place
        while self.next in {",", ";"} and self.place - before < 2:
            self.place += 1
        return self.place > before

    def statement(self) -> Node:
        """Sides between relations. A side is missing only before a leading approximately-equal sign."""
        if self.take(r"\approx"):
            return Node("about", (self.side(),))
        sides, relations = [self.side()], []
        while self.next in RELATIONS:
            relations.append(RELATIONS[self.pop().text])
            sides.append(self.side())
        return Node("chain", (tuple(relations), *sides)) if relations else sides[0]

    def side(self) -> Node:
        """A value, structure, union or ratio, with the unit behind it."""
        parts = [self.sum()]
        mark = self.next if self.next in {r"\cup", ":"} else ""
        while mark and self.take(mark):
            parts.append(self.sum())
        node = Node({r"\cup": "union", ":": "ratio"}[mark], tuple(parts)) if mark else parts[0]
        return self.measured(node)

    def measured(self, node: Node) -> Node:
        """A node with the words behind it as its unit, or as it is. Unreadable if they are no unit."""
        words, power = [], ""
        while self.kind == "text" and not power:
            words.append(self.pop().text)
            if self.take("^"):
                power = self.pop().text

        found = unit(" ".join(words)) if words else None
        if words and (found is None or power not in ("", "2", "3")):
            raise Unreadable(" ".join(words))
        if found is None:
            return node

        value = node if found.factor == 1 else Node("*", (Node.number(found.factor), node))
        return Node("measured", (value, f"{found.name}^{power}" if power else found.name))

    def bracketed(self) -> Node:
        """What brackets hold: one value in brackets, a tuple, an interval, a set, a vector."""
        opening = self.pop().text
        self.deeper()
        items: list[Node] = []
        closings = {"(": (")", "]"), "[": ("]", ")"), r"\{": (r"\}",), r"\langle": (r"\rangle",)}[opening]

        while self.next not in closings or (items and self.take(",")):
            items.append(self.statement() if opening == r"\{" else self.side())
            if self.next not in closings and not (self.take(",") or self.take(";")):
                raise Unreadable(self.next)

        closing = self.pop().text
        self.shallower()
        if opening == r"\{":
            return Node("set", tuple(items))

        if len(items) == 1 and (opening, closing) in {("(", ")"), ("[", "]")}:
            return items[0]
        if not items or (len(items) == 1 and opening != r"\langle"):
            raise Unreadable(opening)
        brackets = "()" if opening == r"\langle" else opening + closing
        return Node("tuple", (brackets, *items))

    def matrix(self) -> Node:
        """The rows between \\begin{pmatrix} and \\end{pmatrix}."""
        self.pop()
        self.deeper()
        rows: list[tuple[Node, ...]] = []
        row: list[Node] = []

        while True:
            row.append(self.side())
            if self.take("&"):
                continue
            rows.append(tuple(row))
            row = []
            if self.take("\\\\") and self.kind != "matrix":
                continue
            if self.kind != "matrix" or self.pop().text != "end":
                raise Unreadable("matrix")
            break

        self.shallower()
        if len({len(each) for each in rows}) != 1:
            raise Unreadable("rows of several lengths")
        return Node("matrix", tuple(Node("row", each) for each in rows))
