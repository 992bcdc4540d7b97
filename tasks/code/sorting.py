"""Predict what sorting six distinct digits gives. The reply is the digits in ascending order."""

import random

from tasks import Draft, ProceduralTask, Row

DIGITS = 6


def swapped(digits: str, rng: random.Random) -> str:
    """Digits with two neighbours exchanged."""
    place = rng.randrange(len(digits) - 1)
    return digits[:place] + digits[place + 1] + digits[place] + digits[place + 2 :]


class Sorting(ProceduralTask):
    name = "sorting"
    domain = "code"
    revision = 1
    summary = "Predict the result of sorting six distinct digits."
    chance = 1 / 720  # orders of six digits
    max_reply_tokens = 7

    def draw(self, rng: random.Random) -> Draft:
        digits = "".join(rng.sample("0123456789", DIGITS))
        return Draft(f"sorted({digits})>", "".join(sorted(digits)))

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        """Half of the slips sort the wrong way round, the others exchange two neighbours."""
        return row.answer[::-1] if rng.random() < 0.5 else swapped(row.answer, rng)
