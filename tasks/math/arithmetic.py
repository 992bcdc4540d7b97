"""Two-operand arithmetic: add a small number or subtract it. The reply is the bare number."""

import random

from tasks import Draft, ProceduralTask, Row

PROMPT = "{a}{sign}{b}="


class Arithmetic(ProceduralTask):
    name = "arithmetic"
    domain = "math"
    revision = 1
    summary = "Add or subtract a number below 20; the reply must be the number."
    chance = 1 / 210  # results spread over roughly 210 values
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        a, b, sign = rng.randint(10, 199), rng.randint(1, 19), rng.choice("+-")
        value = a + b if sign == "+" else a - b
        return Draft(PROMPT.format(a=a, sign=sign, b=b), str(value))

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return str(int(row.answer) + rng.choice((-11, -10, -2, -1, 1, 2, 10, 11)))
