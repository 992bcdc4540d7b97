r"""Which answers are the same, or are not, by spelling and exact numbers alone: in microseconds, without reading more.

The rules follow the conventions of MATH (Hendrycks et al. 2021, arXiv 2103.03874): a unit or a dollar sign does not
count, nor do layout or `x =` before a value, but two different labels or known units are two answers.
"""

import re

from tasks._formulas.boxed import LONGEST
from tasks._formulas.quantities import Quantity, quantity
from tasks._formulas.spelling import plain
from tasks._formulas.statements import same_label
from tasks._formulas.units import conflict

_BASED = re.compile(r"(-?(?:[0-9A-Z]*\.)?[0-9A-Z]+)_([0-9]+)|\\text\{([0-9A-Z]+)\}_([0-9]+)")
_LETTER = re.compile(r"\(?(?:\\text\{)?\(?([A-Z])\)?\}?\)?")
_WORDS = re.compile(r"\\text\{([^{}]*)\}")
_SPACED_UNIT = re.compile(r"(.*[0-9}])\s+(?:[mgsdhlL])(?:\^?\{?[23\u00b2\u00b3]\}?)?\$?")
"""A number, white space, and the letter of a unit."""


def settled(gold: str, answer: str, *, percent: bool = True) -> bool | None:
    """Whether two answers are the same where spelling or exact numbers decide; None where their formulas must be read.

    Two numbers are the same if their values are: 1/2 and 0.5 are, 1/3 and 0.3333333 are not. Where the gold answer
    is a word or has a base ('101_2', where the base may be left out), spelling decides.
    percent: a per cent sign is the question's unit and does not count; else 7% is 0.07.
    """
    if gold == answer:
        return bool(gold)
    if not answer.strip() or len(answer) > LONGEST:
        return False

    ours, theirs = spelt(gold, answer, percent=percent)
    if ours == theirs:
        return bool(ours)

    word = word_of(ours)
    if word is not None or word_of(theirs) is not None:
        same = letters(ours) == letters(theirs)
        return same if word is not None or same else None

    base = _BASED.fullmatch(ours)
    if base:
        other = _BASED.fullmatch(theirs)
        return _parts(base) == _parts(other) if other else letters(theirs) == letters(_parts(base)[0])
    return _equal_numbers(quantity(ours), quantity(theirs), gold, answer)


def spelt(gold: str, answer: str, *, percent: bool) -> tuple[str, str]:
    """Two answers in plain spelling; without per cent signs where those are the unit of the question or the gold."""
    ours, theirs = plain(gold), plain(answer)
    if (percent or "%" in ours) and "=" not in ours + theirs:
        return ours.replace("%", ""), theirs.replace("%", "")
    return ours, theirs


def word_of(answer: str) -> str | None:
    r"""The word that an answer in plain spelling is ('even' of '\text{Even}'), or None.

    A capital letter stands for itself; brackets around it ('(\text{B})') do not count.
    """
    letter = _LETTER.fullmatch(answer)
    if letter:
        return letter[1]
    match = _WORDS.fullmatch(answer)
    return letters(answer) if match and re.search("[a-zA-Z]", match[1]) else None


def letters(answer: str) -> str:
    """The letters of an answer in one case, without white space; those of a single capital as it is."""
    letter = _LETTER.fullmatch(answer)
    if letter:
        return letter[1]
    inner = re.sub(r"\\text\{|[}\s]", "", answer).rstrip(".")
    return inner.lower() if len(inner) > 1 else inner


def _parts(based: re.Match[str]) -> tuple[str, str]:
    """The digits and the base."""
    return based[1] or based[3], based[2] or based[4]


def _equal_numbers(ours: Quantity | None, theirs: Quantity | None, gold: str, answer: str) -> bool | None:
    """Whether two quantities are equal, their labels and units included; None if either is none."""
    spaced = _SPACED_UNIT.fullmatch(answer.strip()) if ours and not theirs and not ours.unit else None
    if spaced:
        theirs = quantity(plain(spaced[1]))

    if ours is None or theirs is None:
        return None

    units = (ours.unit or _currency(gold), theirs.unit or _currency(answer))
    if not same_label(ours.label, theirs.label) or conflict(*units):
        return False
    return ours.value == theirs.value


def _currency(text: str) -> str:
    r"""The unit that \$ stands for, which plain spelling drops."""
    return "dollar" if r"\$" in text else ""
