r"""Long arithmetic: sums, differences and products of numbers with up to four digits, the result in \boxed{}.

The set of this name in arXiv 2510.19178 is not published in detail; this one is ours, and fixed.
"""

import random

from tasks import Draft, ProceduralTask, Row
from tasks._formulas.boxed import last_boxed
from tasks._formulas.numbers import number
from tasks._formulas.quantities import quantity
from tasks._formulas.spelling import plain

PROMPT = "Compute {expression}. Think step by step, and put the result in \\boxed{{}}."

Term = tuple[str, int, int]
"""Sign, number, factor (1 if there is none)."""


def worked(terms: list[Term]) -> str:
    """The products, then the running total, a line each, and the boxed result."""
    lines, total = [f"{a} * {b} = {a * b}" for _, a, b in terms if b > 1], terms[0][1] * terms[0][2]
    for sign, a, b in terms[1:]:
        before, total = total, total + a * b if sign == "+" else total - a * b
        lines.append(f"{before} {sign} {a * b} = {total}")
    return "\n".join([*lines, rf"\boxed{{{total}}}"])


class LongArithmetic(ProceduralTask):
    name = "long_arithmetic"
    domain = "math"
    revision = 2
    summary = "Compute with three to five numbers and products; the boxed integer counts."
    chance = 1e-4  # results spread over more than 10,000 values
    max_reply_tokens = 200

    def draw(self, rng: random.Random) -> Draft:
        count = rng.randint(3, 5)
        product = rng.randrange(count)
        terms = [_term(rng, place == product or rng.random() < 0.2) for place in range(count)]
        parts = [f"{sign} {a} * {b}" if b > 1 else f"{sign} {a}" for sign, a, b in terms]
        expression = " ".join(parts)[2:]  # no sign before the first
        solution = worked(terms)
        return Draft(PROMPT.format(expression=expression), str(_result(solution)), {"solution": solution})

    def verify(self, reply: str, row: Row) -> float:
        value = _result(reply)
        return float(value is not None and value == int(row.answer))

    def slip(self, row: Row, rng: random.Random) -> str:
        step = rng.choice((1, 2, 10, 100, 1000)) * rng.choice((-1, 1))
        return rf"\boxed{{{int(row.answer) + step}}}"

    def solution(self, row: Row) -> str:
        return str(row.facts["solution"])


def _term(rng: random.Random, product: bool) -> Term:
    sign = rng.choice("+-")
    return (sign, rng.randint(12, 999), rng.randint(12, 99)) if product else (sign, rng.randint(10, 9999), 1)


def _result(reply: str) -> int | None:
    """The integer in the last box, or that a reply consists of."""
    box = last_boxed(reply)
    if box is None:
        value = number(reply.strip())
    else:
        found = quantity(plain(box))
        value = found.value if found and not found.unit else None
    return value.numerator if value is not None and value.denominator == 1 else None
