r"""Whether a right formula is an answer, and not the question again.

Nearly every problem writes down an expression that equals its answer. A reply that only copies it, in whatever order
of terms, has answered nothing; nor has one that leaves the work undone where the question asks to do it.
"""

import re
from functools import lru_cache

from tasks._formulas.boxed import LONGEST
from tasks._formulas.forms import flat
from tasks._formulas.lexer import Unreadable
from tasks._formulas.reader import read
from tasks._formulas.shapes import adds_brackets, has_bracket, nodes, reducible, shape, terms, undone
from tasks._formulas.spelling import plain
from tasks._formulas.statements import statement
from tasks._formulas.symbolic import same
from tasks._formulas.tree import Node, symbols

_FORMULAS = re.compile(
    r"\$\$(.+?)\$\$|\$(.+?)\$|\\\[(.+?)\\\]|\\\((.+?)\\\)|\\begin\{align\*?\}(.+?)\\end\{align\*?\}", re.DOTALL
)
_SUMS = re.compile(r"[-0-9(][-+*/^().0-9 ]*[0-9)]")
"""An expression of numbers in running text."""
_PARTS = re.compile(r"&?=|\\le(?![a-z])|\\ge(?![a-z])|\\ne(?![a-z])|\\approx|\\in(?![a-z])|[<>]|\\\\|\\text\{[^{}]*\}")
"""What stands between expressions within a formula."""
_REDUCE = re.compile(r"\b(?:simplify|simplified|simplest|reduced?|lowest terms)\b", re.IGNORECASE)
_EXPAND = re.compile(r"\b(?:expand(?:ed)?|multipl(?:y|ied) out)\b", re.IGNORECASE)
_FACTOR = re.compile(r"\b(?:factor|factored|factori[sz]e)\b", re.IGNORECASE)
_EVALUATE = re.compile(
    r"\b(?:evaluate|compute|calculate|rationali[sz]e|express|value of)\b|\bwhat is \$|"
    rf"{_REDUCE.pattern}|{_EXPAND.pattern}|{_FACTOR.pattern}",
    re.IGNORECASE,
)
"""What a problem says that asks to compute; the three above ask for more than that."""


def earned(gold: str, answer: str, problem: str) -> bool:
    """Whether an answer that equals the gold one is more than the problem's own expression, or work left undone.

    What is literally the gold answer counts always.
    """
    ours, theirs = plain(gold), plain(answer)
    if ours == theirs:
        return True
    try:
        wanted = _bare(read(ours))
    except Unreadable:
        return True  # a word, or a number in another base
    try:
        given = _bare(read(theirs))
    except Unreadable:
        return theirs not in expressions(problem)
    if shape(given) == shape(wanted):
        return True
    copies = given_away(ours, problem)
    return not (any(shape(part) in copies for part in nodes(given)) or unfinished(wanted, given, problem))


@lru_cache(maxsize=2**10)
def given_away(gold: str, problem: str) -> frozenset[object]:
    """The shapes of a problem's expressions that equal the gold answer and are not literally it."""
    found: set[object] = set()
    for text in expressions(problem):
        try:
            node = _bare(read(text))
        except Unreadable:
            continue
        if same(gold, text, percent="%" in problem):
            found.add(shape(node))
    return frozenset(found - {shape(_bare(read(gold)))})


def unfinished(gold: Node, answer: Node, problem: str) -> bool:
    """Whether work is left in an answer that the problem asks to do, and that is not left in the gold answer."""
    if not _EVALUATE.search(problem):
        return False
    tests = [undone, adds_brackets]
    tests += [reducible] if _REDUCE.search(problem) else []
    tests += [has_bracket] if _EXPAND.search(problem) else []
    tests += [_is_sum] if _FACTOR.search(problem) else []
    return any(test(answer) and not test(gold) for test in tests)


def _is_sum(node: Node) -> bool:
    return len(list(terms(node))) > 1


def _bare(node: Node) -> Node:
    """A node without the label before it and the unit behind it, a set as the list of its items."""
    found = statement(node)
    return flat(
        found.exact[-1]
        if found and found.exact and (found.label or len(found.exact) == 1 or not symbols(node))
        else node
    )


@lru_cache(maxsize=2**10)
def expressions(problem: str) -> frozenset[str]:
    """The expressions of a problem in plain spelling: formulas, their parts between relations, the items of lists."""
    found: set[str] = set()
    for match in _FORMULAS.finditer(problem):
        formula = next(part for part in match.groups() if part is not None)
        for part in (formula, *_PARTS.split(plain(formula))):
            spelt = plain(part)
            found.update((spelt, *_items(spelt)))
    found.update(plain(match[0]) for match in _SUMS.finditer(_FORMULAS.sub(" ", problem)))
    return frozenset(text for text in found if text and len(text) <= LONGEST)


def _items(text: str) -> list[str]:
    """The parts of a text between commas outside of brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "([{") - (letter in ")]}")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return [plain(part) for part in parts]
