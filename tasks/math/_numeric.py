"""What tasks share whose answers are numbers: how a reply is read, plausible wrong numbers."""

import random
import re
from fractions import Fraction

from tasks import DataTask, Row
from tasks._formulas.boxed import LONGEST, last_boxed
from tasks._formulas.numbers import number
from tasks._formulas.quantities import quantity
from tasks._formulas.spelling import plain
from tasks._formulas.units import asks_percent
from tasks._formulas.wording import last_number, stated

MARK = "####"
ASK = 'Think step by step, and end with "#### " and the number.'


_TEXT = re.compile(r"\\(?:text|mbox|mathrm|mathbf)\s*\{([^{}]*)\}|\\[,;:! ]|\\(?=[$%])")


def answer_of(reply: str, *, percent: bool = True) -> Fraction | None:
    r"""The number that a reply gives: in its last \boxed{}, else after its last ####, else the last one in it.

    percent: '7%' is 7, as where the question asks for a percentage, and not 0.07.
    """
    box = last_boxed(reply)
    if box is not None:
        return _value(box.replace("~", " "), percent)  # in LaTeX a space, in a line of text "about"
    mark = reply.rfind(MARK)
    if mark < 0:
        return last_number(reply, percent=percent)
    after = reply[mark + len(MARK) : mark + len(MARK) + LONGEST].lstrip()
    return _value(after.partition("\n")[0].rstrip(), percent)


def _value(text: str, percent: bool) -> Fraction | None:
    """The number that a text is or states."""
    value = number(text)
    if value is not None:
        return value
    spelt = plain(text)
    found = None if "~" in text else quantity(spelt.removesuffix("%"))
    if found is not None:
        return found.value / 100 if spelt.endswith("%") and not percent else found.value
    return stated(_TEXT.sub(r" \1 ", text), percent=percent)


def written(value: Fraction) -> str:
    """A number as it is written without commas: 5, -3, 0.25, or 1/3 where no short decimal is exact."""
    if value.denominator == 1:
        return str(value.numerator)
    decimal = f"{float(value):.6g}"
    return decimal if number(decimal) == value else f"{value.numerator}/{value.denominator}"


def near(value: Fraction, rng: random.Random) -> str:
    """A plausible wrong number: a step missed, a place slipped, a sum done twice."""
    wrong = [value + step for step in (-10, -2, -1, 1, 2, 10)] + [value * 2, value * 10, value / 2]
    return written(rng.choice([other for other in wrong if other != value]))


class NumericTask(DataTask):
    """Word problems whose answer is one number, after ####."""

    domain = "math"
    revision = 2
    max_reply_tokens = 400

    def verify(self, reply: str, row: Row) -> float:
        gold = number(row.answer)
        if answer_of(reply, percent=False) == gold:
            return 1.0
        if "%" not in reply and "cent" not in reply:
            return 0.0
        return float(answer_of(reply, percent=True) == gold and self.is_percentage(row))

    def is_percentage(self, row: Row) -> bool:
        """Whether the question asks for a percentage, or the published solution gives one."""
        solution = str(row.facts.get("solution", ""))
        return asks_percent(row.prompt) or re.search(rf"(?<![0-9.,]){row.answer} ?%", solution) is not None

    def slip(self, row: Row, rng: random.Random) -> str:
        value = number(row.answer)
        assert value is not None
        return f"{MARK} {near(value, rng)}"
