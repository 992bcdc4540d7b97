"""What tasks share whose answers are numbers: how a reply is read, plausible wrong numbers."""

import random
from fractions import Fraction

from tasks import DataTask, Row
from tasks._formulas.boxed import LONGEST, last_boxed, plain
from tasks._formulas.numbers import last_number, number, only_number

MARK = "####"
ASK = 'Think step by step, and end with "#### " and the number.'


def answer_of(reply: str) -> Fraction | None:
    r"""The number that a reply gives: in its last \boxed{}, else after its last ####, else the last one in it."""
    box = last_boxed(reply)
    if box is not None:
        return _value(box)
    mark = reply.rfind(MARK)
    if mark < 0:
        return last_number(reply)
    after = reply[mark + len(MARK) : mark + len(MARK) + LONGEST].lstrip()
    return _value(after.partition("\n")[0].rstrip())


def _value(text: str) -> Fraction | None:
    for found in (number(text), number(plain(text)), only_number(text)):
        if found is not None:
            return found
    return None


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
    revision = 1
    max_reply_tokens = 400

    def verify(self, reply: str, row: Row) -> float:
        value = answer_of(reply)
        return float(value is not None and value == number(row.answer))

    def slip(self, row: Row, rng: random.Random) -> str:
        value = number(row.answer)
        assert value is not None
        return f"{MARK} {near(value, rng)}"
