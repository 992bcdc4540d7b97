"""Look up a stated fact: six people and their numbers, then a name. The reply is that person's number.

People are always listed in the same order, so that a tiny model can learn where to look.
"""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import NAMES

FACTS = 6


class Lookup(ProceduralTask):
    name = "lookup"
    domain = "qa"
    revision = 1
    summary = "Find one of six people's stated numbers; the reply must be the number."
    chance = 1 / FACTS
    max_reply_tokens = 3

    def draw(self, rng: random.Random) -> Draft:
        names = NAMES[:FACTS]
        numbers = [str(number) for number in rng.sample(range(10, 100), FACTS)]
        asked = rng.randrange(FACTS)
        stated = " ".join(name + number for name, number in zip(names, numbers, strict=True))
        return Draft(f"{stated};{names[asked]}", numbers[asked], {"numbers": numbers})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = [number for number in row.facts["numbers"] if number != row.answer]
        return rng.choice(wrong)
