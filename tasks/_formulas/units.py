"""Words beside a number: units, which do not count, words that multiply it, words that make it another statement."""

import re
from functools import lru_cache
from typing import NamedTuple

MULTIPLIERS = {
    "dozen": 12, "dozens": 12, "hundred": 10**2, "thousand": 10**3, "million": 10**6, "millions": 10**6,
    "mil": 10**6, "mn": 10**6, "billion": 10**9, "billions": 10**9, "bn": 10**9, "trillion": 10**12,
}  # fmt: skip
NUMERALS = frozenset({
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety", "half", "halves", "third",
    "thirds", "fourth", "fourths", "fifth", "fifths", "sixth", "sixths", "eighth",
    "eighths", "tenth", "tenths", "hundredth", "hundredths", "thousandth", "thousandths",
})  # fmt: skip
"""Words that are numbers themselves: beside another number, the two make a third one."""
HEDGES = frozenset({
    "not", "no", "never", "none", "nor", "neither", "isn't", "aren't", "wasn't", "don't", "doesn't", "cannot",
    "can't", "wrong", "false", "or", "but", "either", "maybe", "perhaps", "possibly", "probably", "about",
    "around", "approximately", "approx", "almost", "nearly", "roughly", "circa", "least", "most",
    "between", "except", "without", "unless", "plus", "times", "squared", "cubed", "twice",
    "double", "triple",
})  # fmt: skip
"""Words with which a number is not stated as the answer."""
BEFORE = HEDGES | {
    "less", "fewer", "more", "greater", "larger", "smaller", "higher", "lower", "under", "over", "above",
    "below", "than", "half", "quarter",
}  # fmt: skip
"""Words that do so before a number; after it, "7 more apples" is an answer."""
AFTER = HEDGES - {"times", "no"}
NEGATIVE = frozenset({"minus", "negative"})
PERCENT = frozenset({"percent", "percents", "percentage", "%"})
_KNOWN = (
    "mm millimeter millimeters millimetre millimetres", "cm centimeter centimeters centimetre centimetres",
    "dm decimeter decimeters", "m meter meters metre metres", "km kilometer kilometers kilometre kilometres",
    "in inch inches", "ft foot feet", "yd yard yards yds", "mi mile miles", "mg milligram milligrams",
    "g gram grams gm", "kg kilogram kilograms kgs", "lb pound pounds lbs", "oz ounce ounces",
    "ml milliliter milliliters millilitre millilitres", "l liter liters litre litres", "s second seconds sec secs",
    "min minute minutes mins", "h hour hours hr hrs", "d day days", "week weeks", "month months", "year years yr yrs",
    "dollar dollars usd", "cent cents", "euro euros eur", "am", "pm", "mph", "kph kmh",
)  # fmt: skip
KNOWN = {alias: names.split()[0] for names in _KNOWN for alias in names.split()}
"""Units with their other spellings; two different ones of them are two answers."""
_PERCENT = re.compile(r"(?<![0-9])(?<![0-9][ -])(?<![0-9]\$ )(?:(?<!\\)%|per ?cent)", re.IGNORECASE)
"""The word or sign, unless a number stands before it."""
_WORD = re.compile(r"[A-Za-z]+(?:'[a-z]+)?")
_FORM = re.compile(r"[A-Za-z .,'/()-]*")


class Unit(NamedTuple):
    """What stands beside a number: what it multiplies the number by, and the known unit it ends in, or ''."""

    factor: int
    name: str


@lru_cache(maxsize=2**12)
def unit(text: str) -> Unit | None:
    """The unit that a text after a number is, or None if it says anything else.

    A unit is any words but those of NUMERALS and AFTER; a word that multiplies may come first ('million dollars').
    """
    words = [word.lower() for word in _WORD.findall(text)]
    if not words or not _FORM.fullmatch(text):
        return None
    factor = MULTIPLIERS.get(words[0], 1)
    rest = words[1:] if factor > 1 else words
    if any(word in MULTIPLIERS or word in NUMERALS or word in AFTER or word in PERCENT for word in rest):
        return None
    return Unit(factor, KNOWN.get(re.sub(r"[^a-z]", "", text.lower()), ""))


@lru_cache(maxsize=2**10)
def asks_percent(question: str) -> bool:
    """Whether a question asks for a percentage, so that the sign in an answer is a unit: not '60% of them play'."""
    return bool(_PERCENT.search(question))


def conflict(one: str, other: str) -> bool:
    """Whether two answers name two different known units, or two powers of one: m^2 and m^3."""
    (first, _, power), (second, _, raised) = one.partition("^"), other.partition("^")
    return bool((first and second and first != second) or (power and raised and power != raised))
