r"""What a formula is made of: numbers, letters, fractions, roots, functions, brackets, and the arguments of commands.

As in TeX, a command without braces takes one character: `\frac12` is a half, and `\frac123` is `\frac{1}{2}3`.
"""

from abc import abstractmethod
from fractions import Fraction

from tasks._formulas.cursor import Cursor
from tasks._formulas.lexer import Token, Unreadable
from tasks._formulas.tree import Node

FUNCTIONS = frozenset({
    "\\sin", "\\cos", "\\tan", "\\cot", "\\sec", "\\csc", "\\arcsin", "\\arccos", "\\arctan", "\\sinh",
    "\\cosh", "\\tanh", "\\ln", "\\log", "\\lg", "\\exp",
})  # fmt: skip
CONSTANTS = {r"\pi": "pi", "e": "e", "i": "i", r"\infty": "inf"}
GREEK = frozenset({
    "\\alpha", "\\beta", "\\gamma", "\\delta", "\\epsilon", "\\varepsilon", "\\zeta", "\\eta", "\\theta",
    "\\vartheta", "\\kappa", "\\lambda", "\\mu", "\\nu", "\\xi", "\\rho", "\\sigma", "\\tau", "\\phi",
    "\\varphi", "\\chi", "\\psi", "\\omega", "\\Gamma", "\\Delta", "\\Theta", "\\Lambda", "\\Xi", "\\Sigma",
    "\\Phi", "\\Psi", "\\Omega", "\\ell",
})  # fmt: skip
SETS = {r"\mathbb{R}": "reals", r"\emptyset": "empty", r"\varnothing": "empty"}
_PAIRS = {r"\lfloor": (r"\rfloor", "floor"), r"\lceil": (r"\rceil", "ceil"), "|": ("|", "abs"),
          r"\lvert": (r"\rvert", "abs")}  # fmt: skip


class Atoms(Cursor):
    """The rules for atoms. A subclass reads sums, factors, brackets and matrices."""

    @abstractmethod
    def sum(self) -> Node: ...

    @abstractmethod
    def factor(self) -> Node: ...

    @abstractmethod
    def beside(self, node: Node) -> Node: ...

    @abstractmethod
    def bracketed(self) -> Node: ...

    @abstractmethod
    def matrix(self) -> Node: ...

    def starts_factor(self) -> bool:
        """Whether the next token begins a factor."""
        if self.kind in ("number", "name"):
            return True
        mark = self.next
        if mark == "|":
            return not self.bars
        return mark in {"(", "[", "{", r"\{", r"\frac", r"\sqrt", r"\binom", *_PAIRS, *CONSTANTS, *GREEK, *FUNCTIONS}

    def argument(self) -> Node:
        """What a command takes: a group in braces, or one character."""
        self.deeper()
        node = self.group() if self.next == "{" else self.digit() if self.kind == "number" else self.atom()
        self.shallower()
        return node

    def exponent(self) -> Node:
        """What ^ takes: an argument, or, as people write it, one number of any length, a sign, brackets."""
        self.deeper()

        if self.next == "{":
            node = self.group()
        elif self.take("-"):
            node = Node("negative", (self.exponent(),))
        else:
            self.take("+")
            node = self.atom()
            node = Node("^", (node, self.exponent())) if self.take("^") else node

        self.shallower()
        return node

    def group(self) -> Node:
        """A sum in braces."""
        self.need("{")
        node = self.sum()
        self.need("}")
        return node

    def digit(self) -> Node:
        """The first digit of a number, as TeX takes it; the rest stays."""
        token = self.found[self.place]
        if len(token.text) == 1:
            self.place += 1
        else:
            self.found[self.place] = Token("number", token.text[1:])
        if not token.text[0].isdigit():
            raise Unreadable(token.text)
        return Node.number(int(token.text[0]))

    def atom(self) -> Node:
        """The smallest part of a formula that has a value, or brackets."""
        if self.kind == "number":
            return self.decimal()
        if self.kind == "matrix":
            return self.matrix()

        mark = self.next
        if mark in {"(", "[", r"\{", r"\langle"}:
            return self.bracketed()
        if mark in _PAIRS:
            return self.paired(*_PAIRS[self.pop().text])
        if mark in FUNCTIONS:
            return self.function(self.pop().text[1:])
        if mark == "{":
            return self.group()

        token = self.pop()
        if mark in {r"\frac", r"\binom"}:
            upper, lower = self.argument(), self.argument()
            return Node({r"\frac": "/", r"\binom": "binomial"}[mark], (upper, lower))
        if mark == r"\sqrt":
            return self.root()

        if mark in SETS:
            return Node(SETS[mark], ())
        if mark in CONSTANTS and self.next != "_":
            return Node("constant", (CONSTANTS[mark],))
        if token.kind == "name" or mark in GREEK:
            return Node("symbol", (mark + self.index(),))
        raise Unreadable(token.text)

    def index(self) -> str:
        """The index of a letter as text: _1, _{n}; '' without one."""
        if not self.take("_"):
            return ""
        if not self.take("{"):
            return f"_{self.pop().text}"

        parts = [self.pop().text]
        while self.next != "}":
            parts.append(self.pop().text)
        self.pop()

        return f"_{''.join(parts)}"

    def decimal(self) -> Node:
        """A number, with its digits that repeat: 0.1\\overline{6}. One in another base is unreadable."""
        text = self.pop().text
        if self.take("_"):
            if self.pop().text != "10":
                raise Unreadable("another base")
            return numeral(text)
        if "." not in text or not self.take(r"\overline"):
            return numeral(text)

        self.need("{")
        cycle = self.pop().text
        self.need("}")
        if not cycle.isdecimal():
            raise Unreadable(cycle)

        places = len(text.partition(".")[2])
        repeated = Fraction(int(cycle), (10 ** len(cycle) - 1) * 10**places)
        return Node.number(Fraction(text.rstrip(".") or 0) + repeated)

    def root(self) -> Node:
        """A root, its degree in square brackets; round ones around what is under it are read as well."""
        degree = Node.number(2)
        if self.take("["):
            degree = self.sum()
            self.need("]")
        under = self.bracketed() if self.next == "(" else self.argument()
        return Node("root", (under, degree))

    def paired(self, closing: str, kind: str) -> Node:
        """What stands between a pair of marks such as those of a floor."""
        self.deeper()
        self.bars += closing == "|"
        node = self.sum()
        self.need(closing)
        self.bars -= closing == "|"
        self.shallower()
        return Node(kind, (node,))

    def function(self, name: str) -> Node:
        """A function with its power and base; its argument is a bracket, or all factors up to the next function."""
        power = base = None
        while self.next in {"^", "_"}:
            if self.pop().text == "^":
                power = self.exponent()
            else:
                base = self.exponent()

        self.deeper()
        if self.next == "(":
            argument = self.bracketed()
        elif self.next == "{":
            argument = self.group()
        else:
            argument = self.factor()
            while self.starts_factor() and self.next not in FUNCTIONS:
                argument = self.beside(argument)
        self.shallower()

        if power == Node("negative", (Node.number(1),)) and f"\\arc{name}" in FUNCTIONS:
            name, power = f"arc{name}", None
        node = Node("function", (name, argument) if base is None else (name, argument, base))
        return node if power is None else Node("^", (node, power))


def numeral(text: str) -> Node:
    """The node of a decimal number."""
    return Node.number(Fraction(text.rstrip(".") or 0))
