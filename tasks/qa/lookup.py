"""Look up a stated fact: who lives where. The reply is the city."""

import random
from typing import ClassVar

from tasks._base import Domain, Draft, Row, Task
from tasks.qa._people import CITIES, NAMES

FACTS = 6


class Lookup(Task):
    name: ClassVar[str] = "lookup"
    domain: ClassVar[Domain] = "qa"
    revision: ClassVar[int] = 1
    summary: ClassVar[str] = "Find one of six stated facts; the reply must be the city."
    chance: ClassVar[float] = 1 / FACTS
    max_reply_tokens: ClassVar[int] = 3

    def draw(self, rng: random.Random) -> Draft:
        names, cities = rng.sample(NAMES, FACTS), rng.sample(CITIES, FACTS)
        asked = rng.randrange(FACTS)
        stated = ",".join(f"{name} {city}" for name, city in zip(names, cities, strict=True))
        return Draft(f"{stated};{names[asked]}? ", cities[asked], {"cities": cities})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = [city for city in row.facts["cities"] if city != row.answer]
        return rng.choice(wrong)
