"""Numbers in running text: the one that a line states, and the last one of a reply.

A number counts together with the words that touch it. Where they negate, compare, hedge or multiply it, it is not
that number: 'not 7', 'less than 7' and '7 or 8' are none, '7 million' is 7,000,000, 'minus 7' is -7. Nor is it one
where it is a part of a formula: 'x^2', '5 - 3'.
"""

import re
from fractions import Fraction

from tasks._formulas.numbers import MINUS, WHOLE, number
from tasks._formulas.sums import result
from tasks._formulas.units import AFTER, BEFORE, KNOWN, MULTIPLIERS, NEGATIVE, NUMERALS, PERCENT

TAIL = 300
"""Characters at the end of a text in which its last number is looked for."""
LONGEST = 300
"""Longest line in characters; what is longer states no number."""
LABEL = 4
"""Most words that a label before an equals sign has ('Total cost = 72')."""

_SPECIAL = re.compile(r"[*_`$€£/^²³]|USD|EUR|GBP|m[23]")
"""What a text must have for the next three patterns to find anything."""
_MARKUP = re.compile(r"\*\*|__|`|(?<![\w)])[*_](?=\S)|(?<=\S)[*_](?![\w(])")
_CURRENCY = re.compile(r"(?:\b(?:USD|EUR|GBP|US)\s?)?[$€£](?=\s?[-\u2212\u2013.0-9])|\b(?:USD|EUR|GBP)\s?(?=[0-9])")
_PER = re.compile(r"(?<=[0-9a-zA-Z])\s?/\s?[a-zA-Z]+|(?<=[a-zA-Z])(?:\^\{?[23]\}?(?![0-9])|[²³])|(?<=[a-z]m)[23]\b")
"""What makes a unit of a unit: '/hour', '^2'."""
_VALUE = re.compile(
    rf"(?<![\w.,])(?:(?<![\w)\]}}%])[{MINUS}])?"
    rf"(?:{WHOLE}\s[0-9]+/[0-9]+|{WHOLE}/[0-9]+|{WHOLE}(?:\.[0-9]+)?(?:[eE][-+]?[0-9]{{1,2}})?|(?<![0-9])\.[0-9]+)"
    r"(?![0-9]|[.,][0-9])([a-zA-Z]*)"
)
"""A number, and the letters that follow at once. A hyphen after a word, a digit or a closing bracket is no sign;
digits within a word are no number."""
_NUMERAL = NUMERALS | MULTIPLIERS.keys() | NEGATIVE
_SIGNS = r"+*^_<>~\u2264\u2265\u2260\u2248\u00b1\u00d7\u00f7\u00b7"
_FORMULA = re.compile(rf"[=/\\|{{}}@#&{_SIGNS}]")
_UNEQUAL = re.compile(r"[<>~!|\u2264\u2265\u2260\u2248\u00b1]|\\(?!times|cdot|div|frac|left|right)")
_LEADING = re.compile(rf"^[{MINUS}]\s+(?=[.0-9])")
_WORD = re.compile(r"[A-Za-z]+(?:['\u2019][a-z]+)?|%|[0-9]")
_INSIDE = re.compile(
    rf"(?:[-/\u2212\u2013{_SIGNS}]|\}}\{{|[0-9]:?|\\(?:neq?|pm|[gl]eq?|approx|times|cdot|div|frac|sqrt))\s?$"
)
"""Before a number: what makes it a part of a formula."""
_GOES_ON = re.compile(r"[({]|\s?[*^_+\u00d7\u00f7]|\s?[-/]\s?[0-9(]")
_DIGIT = re.compile("[0-9]")
_SENTENCE = re.compile(r"[.,;!?](?:\s|$)")


def stated(text: str, *, percent: bool = True) -> Fraction | None:
    """The value of the one number that a line states ('$72 a week', '9 * 2 = 18'), or None.

    percent: the question asks for one, so that '7%' is 7 and not 0.07.
    """
    if len(text) > LONGEST:
        return None
    text = _LEADING.sub("-", _cleaned(text).strip())

    left, equals, right = text.rpartition("=")
    if equals:
        return _after_equals(left, right, percent)

    text = _PER.sub("", text)
    found = list(_VALUE.finditer(text))
    if len(found) != 1:
        return None

    before, after = text[: found[0].start()], text[found[0].end() :]
    if before.endswith(tuple(MINUS)):
        return None
    return None if _FORMULA.search(f"{before} {after}") else _with_words(found[0], before, after, percent)


def _cleaned(text: str) -> str:
    """A text without markup and signs of currency."""
    return _CURRENCY.sub("", _MARKUP.sub("", text)) if _SPECIAL.search(text) else text


def _after_equals(left: str, right: str, percent: bool) -> Fraction | None:
    """The number behind the last equals sign, if a label or a sum that it is the result of stands before it."""
    value = stated(right, percent=percent)
    if value is None or _UNEQUAL.search(left):
        return None
    if re.search("[0-9]", left):
        return value if result(_PER.sub("", left)) == value else None
    words = [word.lower() for word in _WORD.findall(left)]
    return value if len(words) <= LABEL and not BEFORE & {*words} else None


def last_number(text: str, *, percent: bool = True) -> Fraction | None:
    """The value of the last number among the last TAIL characters, or None. One cut by that limit is none.

    Of the words, only those next to it count, in its sentence and on its line.
    """
    lines = text[-TAIL:].split("\n")

    for place in range(len(lines) - 1, -1, -1):
        if not _DIGIT.search(lines[place]):
            continue

        line = lines[place]
        if _SPECIAL.search(line):
            line = _PER.sub("", _cleaned(line))

        found = list(_VALUE.finditer(line))
        if found:
            cut = not place and not found[-1].start() and len(text) > TAIL
            return None if cut else _in_sentence(found[-1], line, percent)
    return None


def _in_sentence(match: re.Match[str], line: str, percent: bool) -> Fraction | None:
    """The value of the last number of a line with the words next to it, or None."""
    before, after = line[: match.start()], line[match.end() :]
    bullet = not before.strip(" -")
    if before.endswith(tuple(MINUS)) or (_INSIDE.search(before) and not bullet) or _GOES_ON.match(after):
        return None
    near = before.rpartition("=")[2].rpartition(". ")[2].split()[-2:]
    beyond = _SENTENCE.split(after, maxsplit=1)[0].split()[:2]
    return _with_words(match, " ".join(near), " ".join(beyond), percent)


def _with_words(match: re.Match[str], before: str, after: str, percent: bool) -> Fraction | None:
    """The value of a number with the words before and after it; None if they make it another statement."""
    glued = match[1].lower()
    value = _literal(match[0][: len(match[0]) - len(glued)])
    if value is None or (glued and glued not in KNOWN and glued not in MULTIPLIERS):
        return None

    words = _WORD.findall(f"{glued} {after}".lower())
    if words and words[0] in MULTIPLIERS:
        value *= MULTIPLIERS[words.pop(0)]
    if words and words[0] in PERCENT:
        value = value if percent else value / 100
        words.pop(0)

    lead = _WORD.findall(before.lower())
    if lead and lead[-1] in NEGATIVE:
        value = -value
        lead.pop()
    joined = words[:1] == ["and"] and {"a", "an", "quarter"} & {*words[1:2]}
    if joined or any(word.isdigit() for word in words) or _NUMERAL & {*lead[-1:], *words[:3]}:
        return None
    return None if BEFORE & {*lead} or AFTER & {*words} else value


def _literal(digits: str) -> Fraction | None:
    """The value of a number with its exponent, where it has one."""
    mantissa, _, exponent = digits.lower().replace("\n", " ").partition("e")
    value = number(mantissa)
    return value * Fraction(10) ** int(exponent) if value is not None and exponent else value
