"""Predict what reversing six distinct digits gives. The embedded model nano2 nearly solves it from the start."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.code.sorting import DIGITS, swapped


class Reversal(ProceduralTask):
    name = "reversal"
    domain = "code"
    revision = 1
    summary = "Predict the result of reversing six distinct digits."
    chance = 1 / 720  # orders of six digits
    max_reply_tokens = 7

    def draw(self, rng: random.Random) -> Draft:
        digits = "".join(rng.sample("0123456789", DIGITS))
        return Draft(f"reversed({digits})>", digits[::-1])

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return swapped(row.answer, rng)
