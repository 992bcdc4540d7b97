"""What the tasks out of reach share: a number that the embedded model cannot find, and never samples."""

import random

from tasks import ProceduralTask, Row


class OutOfReach(ProceduralTask):
    """The reply must be a number of five digits or more."""

    diagnostic = True
    chance = 1e-4
    max_reply_tokens = 12

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        return str(int(row.answer) + rng.choice((-10, -1, 1, 10)))
