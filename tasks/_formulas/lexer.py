r"""The tokens of a formula in LaTeX or plain text, in the spelling of `tasks._formulas.spelling.plain`.

A token is a number, a command with its backslash, a name, a mark, or a text in braces. Anything that is none of
these is refused, so that no part of a formula is passed over.
"""

import re
from typing import NamedTuple

from tasks._formulas.units import KNOWN, NUMERALS, PERCENT


class Unreadable(Exception):
    """A text that is not, as a whole, a formula that we can read, or whose value we cannot compute."""


class Token(NamedTuple):
    """kind: number, command, name, mark, text or matrix."""

    kind: str
    text: str


_TOKEN = re.compile(
    r"""
    (?P<thousands>[1-9][0-9]{0,2}(?:,[0-9]{3})+(?![0-9])(?:\.[0-9]+)?)
    | (?P<number>[0-9]+\.[0-9]+e-?[0-9]{1,3}(?![0-9a-zA-Z])|[0-9]+e[0-9]{1,3}(?![0-9a-zA-Z])
        |[0-9]+(?:\.[0-9]*)?|\.[0-9]+|\.(?=\\overline))
    | \\text\{(?P<text>[^{}]*)\}
    | \\(?P<matrix>begin|end)\{[pbB]?matrix\}
    | (?P<command>\\(?:mathbb\{[A-Z]\}|[a-zA-Z]+|.))
    | (?P<name>[a-zA-Z]+)
    | (?P<mark>\*\*|<=|>=|[-+*/^_=<>()\[\]{}|,;:!%&~])
    | (?P<space>\s+)
    """,
    re.VERBOSE | re.ASCII,
)
_PLAIN_NAMES = {
    "pi": r"\pi", "sqrt": r"\sqrt", "infinity": r"\infty", "infty": r"\infty", "inf": r"\infty", "oo": r"\infty",
    "theta": r"\theta", "and": ",", "or": ",", "AND": ",", "OR": ",",
    **{name: f"\\{name}" for name in ("sin", "cos", "tan", "cot", "sec", "csc", "log", "ln", "exp", "arcsin", "arccos",
                                      "arctan", "sinh", "cosh", "tanh", "lg", "frac")},
}  # fmt: skip
_SPELT = {"**": "^", "<=": r"\le", ">=": r"\ge"}
_PRODUCTS = {*"mgshld", "in", "am", "pm"}
"""Names of units that are more likely letters of a formula."""
_CONNECTIVES = {"and", "or"}
_OPEN, _CLOSED = {"(", "[", r"\{"}, {")", "]", r"\}"}


def tokens(text: str) -> list[Token]:
    """The tokens of a whole text. Unreadable if any part of it is none."""
    found: list[Token] = []
    depth = place = 0
    spaced = False

    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise Unreadable(text[place : place + 10])
        if match["thousands"] and depth:  # in brackets, (1,234) are two
            digits = match[0].partition(",")[0]
            found.append(Token("number", digits))
            place += len(digits)
            continue
        if spaced and _is_noun(match["name"], found):
            found += _text(match[0])
        else:
            found += _read(match)

        place, spaced = match.end(), match.lastgroup == "space"
        last = found[-1].text if found else ""
        depth += (last in _OPEN) - (last in _CLOSED) if match[0] == last else 0
    return found


def _read(match: re.Match[str]) -> list[Token]:
    """The tokens that one match stands for: several for letters run together."""
    kind = match.lastgroup or ""
    if kind == "space":
        return []
    if kind == "thousands":
        return [Token("number", match[0].replace(",", ""))]

    if kind == "text":
        return _text(match["text"])
    if kind == "matrix":
        return [Token("matrix", match["matrix"])]
    if kind == "name":
        return _letters(match[0])

    return [Token(kind, _SPELT.get(match[0], match[0]))]


def _text(inner: str) -> list[Token]:
    r"""A \text{...}: a connective is a comma, a number itself, the rest a word or unit."""
    words = inner.strip(" ,").lower()
    if words in _CONNECTIVES:
        return [Token("mark", ",")]
    if words in PERCENT:
        return [Token("mark", "%")]
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+)?", words):
        return [Token("number", words)]
    return [Token("text", inner.strip())] if inner.strip() else []


def _is_noun(name: str | None, before: list[Token]) -> bool:
    """Whether a name that white space parts from a number, or from such a word, is a word like 'apples'."""
    if name is None or len(name) < 3 or name in _PLAIN_NAMES or not before:
        return False
    return before[-1].kind in ("number", "text") and not name.isupper()


def _letters(run: str) -> list[Token]:
    """A known name, capitals together (a segment AB, not a product), a unit's name, or single letters."""
    if run in _PLAIN_NAMES:
        name = _PLAIN_NAMES[run]
        return [Token("mark" if name == "," else "command", name)]
    if len(run) > 1 and run.isupper():
        return [Token("name", run)]
    if run.lower() in NUMERALS or (run in KNOWN and run not in _PRODUCTS):
        return [Token("text", run)]
    return [Token("name", letter) for letter in run]
