"""Sums whose last digits carry. A task that draws its questions."""

import random

from tasks import Draft, ProceduralTask, Row


class Carries(ProceduralTask):
    name = "carries"
    domain = "math"
    revision = 1
    summary = "Add two numbers whose last digits carry; the reply must be the sum."
    chance = 1 / 490  # sums spread over about 490 values
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        first = rng.randint(1, 9)
        a = 10 * rng.randint(10, 49) + first
        b = 10 * rng.randint(1, 9) + rng.randint(10 - first, 9)
        return Draft(f"{a}+{b}=", str(a + b))

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return str(int(row.answer) + rng.choice((-10, -1, 1, 10)))
