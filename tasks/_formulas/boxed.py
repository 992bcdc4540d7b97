r"""Answers in \boxed{}: finding the last one, and one spelling for the many ways of writing the same thing.

Two answers that are spelt alike, or are both numbers, are compared here, exactly and in microseconds. The rules
follow the conventions of MATH (Hendrycks et al. 2021, arXiv 2103.03874): a unit, a dollar or a per cent sign does
not count, nor do spacing, sizes of brackets, or `x =` before a value.
"""

import re
from functools import lru_cache

from tasks._formulas.numbers import number

LONGEST = 300
"""Longest answer in characters; what is longer counts as no answer."""

_BOX = re.compile(r"\\(?:boxed|fbox)\s*(\{|[^\s{}\\$])")
_COMMANDS = ("\\boxed", "\\fbox")


def last_boxed(text: str) -> str | None:
    r"""The contents of the last \boxed{...} (or \fbox{...}, or \boxed 2), without outer white space.

    None if there is none, if its braces do not close, or if it is longer than LONGEST. Takes time linear in the
    length of the text, with a constant of a memory scan.
    """
    start = max(text.rfind(command) for command in _COMMANDS)
    match = _BOX.match(text, start) if start >= 0 else None
    if not match:
        return None
    return match[1] if match[1] != "{" else _closed(text[match.end() : match.end() + LONGEST + 1])


def _closed(text: str) -> str | None:
    """The part of a text before the brace that closes one opened in front of it."""
    depth, escaped = 1, False
    for place, letter in enumerate(text):
        if letter == "{" and not escaped:
            depth += 1
        elif letter == "}" and not escaped:
            depth -= 1
            if not depth:
                return text[:place].strip()
        escaped = letter == "\\" and not escaped
    return None


_REWRITES = [
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (r"\\(?:[,;:!>]|q?quad(?![a-zA-Z])| )|~|\s+|\\\\(?=$)", ""),  # spacing
        (r"\\(?:left|right|[bB]igg?[lrm]?)(?![a-zA-Z])\.?", ""),  # sizes of brackets
        (r"\\[dtc]frac(?![a-zA-Z])", r"\\frac"),
        (r"\\\(|\\\)|\\\[|\\\]|\\?\$|\\displaystyle(?![a-zA-Z])", ""),
        (r"\{,\}", ","),  # 10{,}000
        (r"\^\{?\\circ\}?|\\degree(?![a-zA-Z])|\\?%", ""),  # per cent and degrees are units
        (r"\\frac([0-9])([0-9])", r"\\frac{\1}{\2}"),
        (r"\\frac([0-9])\{", r"\\frac{\1}{"),
        (r"\\frac(\{[^{}]*\})([0-9])", r"\\frac\1{\2}"),
        (r"\\sqrt([0-9])", r"\\sqrt{\1}"),
        (r"_\{([0-9]+)\}", r"_\1"),
        (r"\.$", ""),
        (r"^(?:[a-zA-Z]|\\[a-zA-Z]+)=(?=[^=]+$)", ""),  # x = 5
    )
]
_TEXT = r"\\(?:text(?:bf|rm|it|sf|normal)?|mbox|mathrm|mathbf|operatorname)"
_IN_BASE = re.compile("([0-9A-Z]+)_[0-9]+")
_WORDS = re.compile(_TEXT + r"\{([^{}]*)\}")
_UNIT = re.compile(
    rf"(.+?){_TEXT}\{{[^{{}}]*[a-zA-Z]{{2}}[^{{}}]*\}}(?:\^\{{?[0-9]\}}?)?|(.+?)\\(?:text|mbox)\{{[^{{}}]*\}}"
)
_LETTER = re.compile(rf"\(?(?:{_TEXT}\{{)?\(?([A-Z])\)?\}}?\)?")


@lru_cache(maxsize=2**14)
def plain(answer: str) -> str:
    r"""One spelling for '\dfrac12' and '\frac{1}{2}', for '$5 \text{ cm}' and '5', and so on."""
    text = answer
    for pattern, replacement in _REWRITES:
        text = pattern.sub(replacement, text)
    inner = _WORDS.fullmatch(text)
    text = inner[1] if inner and number(inner[1]) is not None else text
    unit = _UNIT.fullmatch(text)
    if unit and number(unit[1] or unit[2]) is not None:
        return unit[1] or unit[2]
    word = word_of(text)
    return text if word is None else word


def word_of(answer: str) -> str | None:
    r"""The word in an answer that is nothing but text ('\text{Even}' gives 'even'), or None.

    A capital letter stands for itself; brackets around it ('(\text{B})') do not count.
    """
    letter = _LETTER.fullmatch(answer)
    if letter:
        return letter[1]
    match = _WORDS.fullmatch(answer)
    if not match or not re.search("[a-zA-Z]", match[1]):
        return None
    return re.sub(r"\s|~", "", match[1]).rstrip(".").lower()


def settled(gold: str, answer: str) -> bool | None:
    """Whether two answers are the same where spelling or exact numbers decide; None where only algebra can.

    Two numbers are the same if their values are: 1/2 and 0.5 are, 1/3 and 0.3333333 are not. Where the gold answer
    is a word or has a base ('101_2', where the base may be left out), spelling decides. Symmetric but for that.
    """
    if gold == answer:
        return bool(gold)
    if not answer.strip() or len(answer) > LONGEST:
        return False
    ours, theirs = plain(gold), plain(answer)
    if ours == theirs:
        return bool(ours)
    word = word_of(gold.strip())
    if word or word_of(answer.strip()):
        same = len(ours) > 1 and ours.lower() == theirs.lower()
        return same if word or same else None
    based = _IN_BASE.fullmatch(ours)
    if based:
        return theirs == based[1]
    value, other = number(ours), number(theirs)
    return value == other if value is not None and other is not None else None
