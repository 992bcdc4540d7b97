"""Countdown: make a target from three or four numbers with + - * /, each number used exactly once.

After the task of arXiv 2510.19178 and of TinyZero (github.com/Jiayi-Pan/TinyZero): numbers below 100, targets from
10 to 100. Rows are drawn here, so that every one has a solution.
"""

import random
from fractions import Fraction

from tasks import Draft, ProceduralTask, Row
from tasks._formulas.arithmetic import LONGEST, NotArithmetic, compute
from tasks._formulas.boxed import last_boxed

PROMPT = (
    "Using the numbers {numbers}, each exactly once, write an expression that equals {target}. You may use + - * / "
    "and brackets. Think step by step, and give the expression alone in <answer></answer>."
)
TARGETS = range(10, 101)
_TAG = "<answer>"


class Countdown(ProceduralTask):
    name = "countdown"
    domain = "math"
    revision = 1
    summary = "Reach a target from three or four numbers; any expression that does so counts."
    chance = 0.03  # of a random expression that uses every number once
    max_reply_tokens = 50

    def draw(self, rng: random.Random) -> Draft:
        while True:
            numbers = [rng.randint(1, 99) for _ in range(rng.randint(3, 4))]
            value, expression = guess(numbers, rng)
            if value.denominator == 1 and value.numerator in TARGETS and value not in numbers:
                break
        target = value.numerator
        prompt = PROMPT.format(numbers=", ".join(map(str, numbers)), target=target)
        return Draft(prompt, expression, {"numbers": numbers, "target": target})

    def verify(self, reply: str, row: Row) -> float:
        try:
            result = compute(expression_of(reply))
        except NotArithmetic:
            return 0.0
        return float(result.value == row.facts["target"] and sorted(result.numbers) == sorted(row.facts["numbers"]))

    def slip(self, row: Row, rng: random.Random) -> str:
        while True:
            _, expression = guess(row.facts["numbers"], rng)
            if not self.verify(expression, row):
                return f"{_TAG}{expression}</answer>"

    def solution(self, row: Row) -> str:
        return f"{_TAG}{row.answer}</answer>"


def guess(numbers: list[int], rng: random.Random) -> tuple[Fraction, str]:
    """A random expression that uses every number once, and its value; no division by zero, no brackets around all."""
    parts = [(Fraction(number), str(number)) for number in rng.sample(numbers, len(numbers))]
    while len(parts) > 1:
        (a, left), (b, right) = parts.pop(rng.randrange(len(parts))), parts.pop(rng.randrange(len(parts)))
        sign = rng.choice("+-*/" if b else "+-*")
        value = {"+": a + b, "-": a - b, "*": a * b}[sign] if sign != "/" else a / b
        parts.append((value, f"{_bracketed(left)} {sign} {_bracketed(right)}"))
    return parts[0]


def _bracketed(part: str) -> str:
    return part if part.isdecimal() else f"({part})"


def expression_of(reply: str) -> str:
    r"""The expression that a reply gives: in its last <answer></answer>, its last \boxed{}, or on its last line."""
    start = reply.rfind(_TAG)
    if start >= 0:
        inner, closed, _ = reply[start + len(_TAG) : start + len(_TAG) + 2 * LONGEST].partition("</answer>")
        return inner.strip() if closed else ""
    box = last_boxed(reply)
    if box is not None:
        return box
    return reply.rstrip()[-2 * LONGEST :].rpartition("\n")[2].strip()
