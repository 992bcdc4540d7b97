"""Python literals in a model's reply, read without evaluating anything.

Numbers, text, bytes, None, True, False, and lists, tuples, sets and dictionaries of them, as `repr` writes them.
No operators but a sign, no names, no calls. Time is linear in the text.
"""

import ast
import re
import warnings
from typing import Any

LONGEST = 2000
"""Characters of a literal that is read."""
DEPTH = 20
"""Levels of nesting."""
_TOKEN = re.compile(
    r"""\s*(?:
    (?P<text>[bB]?(?:'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"))
    |(?P<number>[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?)
    |(?P<name>None|True|False|set\(\))
    |(?P<mark>[][(){},:])
    )\s*""",
    re.VERBOSE | re.ASCII,
)
CLOSING = {"[": "]", "(": ")", "{": "}"}


class NoLiteralError(ValueError):
    """The text is not one literal."""


def literal(text: str) -> Any:
    """The value of a literal. NoLiteralError if the text is none, too long or too deep."""
    if len(text) > LONGEST:
        raise NoLiteralError("too long")
    reader = _Reader(_tokens(text))
    try:
        value = reader.value(DEPTH)
    except (IndexError, TypeError, SyntaxError, ValueError) as error:  # an unhashable key; a bad escape
        raise NoLiteralError(str(error)) from None
    if reader.tokens:
        raise NoLiteralError("text after the literal")
    return value


def _tokens(text: str) -> list[str]:
    """Tokens in reverse order, so that the next one is the last."""
    found, place = [], 0
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise NoLiteralError("no literal")
        found.append(match[0].strip())
        place = match.end()
    return found[::-1]


class _Reader:
    def __init__(self, tokens: list[str]) -> None:
        self.tokens = tokens

    def value(self, depth: int) -> Any:
        token = self.tokens.pop()
        if token in CLOSING:
            if depth == 0:
                raise NoLiteralError("too deep")
            return self.many(token, depth - 1)
        if token == "set()":  # noqa: S105 - a literal, not a password
            return set()
        if token in set("]}),:"):
            raise NoLiteralError("a mark out of place")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an escape that Python does not know stands for itself
            return ast.literal_eval(token)  # one number, text or name: nothing to nest

    def many(self, opening: str, depth: int) -> Any:
        parts, pairs, commas = [], 0, 0

        while self.tokens[-1] != CLOSING[opening]:
            parts.append(self.value(depth))
            if opening == "{" and self.tokens[-1] == ":":
                self.tokens.pop()
                parts[-1] = (parts[-1], self.value(depth))
                pairs += 1
            if self.tokens[-1] == ",":
                self.tokens.pop()
                commas += 1
            elif self.tokens[-1] != CLOSING[opening]:
                raise NoLiteralError("a comma is missing")
        self.tokens.pop()
        return _built(opening, parts, pairs, commas)


def _built(opening: str, parts: list[Any], pairs: int, commas: int) -> Any:
    """The container that brackets stand for."""
    if opening == "[":
        return parts
    if opening == "(":
        return parts[0] if len(parts) == 1 and not commas else tuple(parts)

    if pairs != len(parts):
        if pairs:
            raise NoLiteralError("neither a set nor a dictionary")
        return set(parts)
    return dict(parts)
