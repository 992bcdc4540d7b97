"""Add a two-digit number to a three-digit one. The reply is the bare sum, without working."""

import random

from tasks import Draft, ProceduralTask, Row


class Addition(ProceduralTask):
    name = "addition"
    domain = "math"
    revision = 1
    summary = "Add a two-digit number to a three-digit one; the reply must be the sum."
    chance = 1 / 490  # sums spread over 490 values
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        a, b = rng.randint(100, 499), rng.randint(10, 99)
        return Draft(f"{a}+{b}=", str(a + b))

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return str(int(row.answer) + rng.choice((-10, -1, 1, 10)))
