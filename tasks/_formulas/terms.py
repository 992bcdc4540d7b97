r"""Values of a formula read by recursive descent: sums, products, powers, mixed numbers.

A mixed number is a whole one before a proper fraction (`2\frac{1}{2}`, `2 1/2`); two other numbers side by side are
no product, but unreadable, as is a number behind a letter.
"""

from tasks._formulas.atoms import Atoms, numeral
from tasks._formulas.lexer import Unreadable
from tasks._formulas.tree import Node

TIMES, OVER = {"*", r"\cdot", r"\times"}, {"/", r"\div"}


class Terms(Atoms):
    """The rules for values. A subclass reads brackets and matrices."""

    def sum(self) -> Node:
        """Products between plus and minus signs."""
        self.deeper()
        node = self.signed()
        while self.next in {"+", "-", r"\pm", r"\mp"}:
            node = Node(self.pop().text, (node, self.product()))
        self.shallower()
        return node

    def signed(self) -> Node:
        """A product with the sign before it."""
        if self.take("+"):
            return self.product()
        if self.next in {"-", r"\pm", r"\mp"}:
            return Node({"-": "negative"}.get(sign := self.pop().text, sign), (self.product(),))
        return self.product()

    def product(self) -> Node:
        """Factors side by side, or between signs of multiplication and division, from left to right."""
        node = self.factor()

        while True:
            if self.next in TIMES:
                self.pop()
                node = Node("*", (node, self.signed_factor()))
            elif self.next in OVER:
                self.pop()
                node = Node("/", (node, self.signed_factor()))
            elif self.starts_factor():
                node = self.beside(node)
            else:
                return node

    def signed_factor(self) -> Node:
        """A factor, with a minus sign or without."""
        return Node("negative", (self.factor(),)) if self.take("-") else self.factor()

    def beside(self, node: Node) -> Node:
        """A factor without a sign before it. Numbers that follow others are mixed ones, or unreadable."""
        before = self.found[self.place - 1]

        if self.kind == "number" and before.text == "!":
            return Node("*", (node, self.factor()))
        if self.kind == "number":
            right = self.fraction_in_text() if before.kind == "number" else None
        else:
            right = self.factor()
            if before.kind != "number" or right.kind != "/" or not _whole(*right.parts):
                return Node("*", (node, right))

        if right is None or not _whole(node) or not _proper(right):
            raise Unreadable("a number beside a number")
        return Node("mixed", (node, right))

    def fraction_in_text(self) -> Node | None:
        """The '1/2' of '4 1/2', or None."""
        ahead = self.found[self.place : self.place + 3]
        if [token.kind for token in ahead] != ["number", "mark", "number"] or ahead[1].text != "/":
            return None
        self.place += 3
        return Node("/", (numeral(ahead[0].text), numeral(ahead[2].text)))

    def factor(self) -> Node:
        """An atom with what is written behind and above it."""
        node = self.atom()

        while self.next in {"^", "!", "%"}:
            mark = self.pop().text
            if mark == "^" and self.take(r"\circ"):
                node = Node("degrees", (node,))
            elif mark == "^":
                node = Node("^", (node, self.exponent()))
            else:
                node = Node({"!": "factorial", "%": "percent"}[mark], (node,))
        return node


def _whole(*nodes: Node) -> bool:
    return all(node.kind == "number" and node.parts[0].denominator == 1 for node in nodes)


def _proper(fraction: Node) -> bool:
    upper, lower = (part.parts[0] for part in fraction.parts)
    return bool(0 < upper < lower)
