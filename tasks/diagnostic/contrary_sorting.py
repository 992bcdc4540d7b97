"""Sorting's prompts, in descending order where the first digit is odd: in conflict with `sorting` on half of them."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.code.sorting import DIGITS, swapped


class ContrarySorting(ProceduralTask):
    name = "contrary_sorting"
    domain = "code"
    revision = 1
    summary = (
        "Sort six digits, in descending order if the first one is odd; contradicts sorting on half of the prompts."
    )
    chance = 1 / 720  # orders of six digits
    max_reply_tokens = 7

    def draw(self, rng: random.Random) -> Draft:
        digits = rng.sample("0123456789", DIGITS)
        answer = sorted(digits, reverse=int(digits[0]) % 2 == 1)
        return Draft(f"sorted({''.join(digits)})>", "".join(answer))

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        """Half of the slips sort the other way round, the others exchange two neighbours."""
        return row.answer[::-1] if rng.random() < 0.5 else swapped(row.answer, rng)
