"""Add up digits one after the other. The reply lists every running total; its last word is the sum."""

import random
from collections.abc import Sequence
from itertools import accumulate

from tasks import Draft, ProceduralTask, Row, last_word

DIGITS = 5


def totals(digits: Sequence[int], error: tuple[int, int] | None = None) -> str:
    """The running totals from the second digit on; `error` = (place, offset) adds a slip and carries it on."""
    place, offset = error or (0, 0)
    changed = [digit + offset * (index == place) for index, digit in enumerate(digits)]
    return " ".join(map(str, list(accumulate(changed))[1:]))


class RunningSum(ProceduralTask):
    name = "running_sum"
    domain = "math"
    revision = 1
    summary = "Add five digits one after the other; the last of the listed totals counts."
    chance = 1 / 40  # sums spread over roughly forty values
    max_reply_tokens = 12

    def draw(self, rng: random.Random) -> Draft:
        digits = [rng.randint(1, 9) for _ in range(DIGITS)]
        return Draft(f"sum {' '.join(map(str, digits))}:", totals(digits), {"digits": digits})

    def verify(self, reply: str, row: Row) -> float:
        return float(last_word(reply) == last_word(row.answer))

    def slip(self, row: Row, rng: random.Random) -> str:
        return totals(row.facts["digits"], (rng.randrange(1, DIGITS), rng.choice((-1, 1))))
