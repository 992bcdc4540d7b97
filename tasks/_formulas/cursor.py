"""A place among the tokens of a formula, and the ways to go on from there."""

from tasks._formulas.lexer import Token, Unreadable

DEPTH = 60
"""Levels of nesting that are read."""


class Cursor:
    """Tokens and the place of the next one. depth: levels of nesting so far; bars: those opened by |."""

    def __init__(self, found: list[Token]) -> None:
        self.found = found
        self.place = self.depth = self.bars = 0

    @property
    def next(self) -> str:
        """The text of the next token where that can be a mark or command, else ''."""
        if self.place >= len(self.found) or self.found[self.place].kind in ("text", "matrix", "number"):
            return ""
        return self.found[self.place].text

    @property
    def kind(self) -> str:
        """The kind of the next token; '' at the end."""
        return self.found[self.place].kind if self.place < len(self.found) else ""

    def pop(self) -> Token:
        """The next token, which is passed over."""
        if self.place >= len(self.found):
            raise Unreadable("the text ends too early")
        self.place += 1
        return self.found[self.place - 1]

    def take(self, mark: str) -> bool:
        """Pass over a mark if it is the next token."""
        there = self.next == mark
        self.place += there
        return there

    def need(self, mark: str) -> None:
        """Pass over a mark, which must be there."""
        if not self.take(mark):
            raise Unreadable(f"{mark} is missing")

    def rest(self) -> bool:
        """Whether a token is left."""
        return self.place < len(self.found)

    def deeper(self) -> None:
        """Enter a level of nesting."""
        self.depth += 1
        if self.depth > DEPTH:
            raise Unreadable("too deep")

    def shallower(self) -> None:
        """Leave it."""
        self.depth -= 1
