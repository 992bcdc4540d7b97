"""List who is older than a stated age, of four people. The reply is their names in the order of the prompt."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import ages, stated

PEOPLE = 4


class Selection(ProceduralTask):
    name = "selection"
    domain = "qa"
    revision = 1
    summary = "List which of four people are older than an age; the reply must be their names in order."
    chance = 1 / 15  # non-empty sets of four people
    max_reply_tokens = 16

    def draw(self, rng: random.Random) -> Draft:
        numbers = ages(rng, PEOPLE)
        limit = rng.choice(sorted(numbers.values())) - 1
        older = [name for name, number in numbers.items() if number > limit]
        return Draft(f"{stated(numbers)};over{limit}=", " ".join(older), {"names": list(numbers)})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.split() == row.answer.split())

    def slip(self, row: Row, rng: random.Random) -> str:
        """One person too many or too few; never nobody."""
        older, changed = row.answer.split(), rng.choice(row.facts["names"])
        wrong = [name for name in row.facts["names"] if (name in older) != (name == changed)]
        return " ".join(wrong) if wrong else self.slip(row, rng)
