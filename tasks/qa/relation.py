"""One-hop relation: whose friend lives where. The reply names the friend, then the city."""

import random
from typing import ClassVar

from tasks._base import Domain, Draft, Row, Task, last_word
from tasks.qa._people import CITIES, NAMES

PAIRS = 4


class Relation(Task):
    name: ClassVar[str] = "relation"
    domain: ClassVar[Domain] = "qa"
    revision: ClassVar[int] = 1
    summary: ClassVar[str] = "Follow a friendship, then look up the friend's city: the last word counts."
    chance: ClassVar[float] = 1 / PAIRS
    max_reply_tokens: ClassVar[int] = 5

    def draw(self, rng: random.Random) -> Draft:
        people, cities = rng.sample(NAMES, 2 * PAIRS), rng.sample(CITIES, PAIRS)
        askers, friends = people[:PAIRS], people[PAIRS:]
        pairs = list(zip(askers, friends, strict=True))
        homes = list(zip(friends, cities, strict=True))
        asked = rng.randrange(PAIRS)
        rng.shuffle(homes)
        likes = ",".join(f"{asker}>{friend}" for asker, friend in rng.sample(pairs, PAIRS))
        lives = ",".join(f"{friend} {city}" for friend, city in homes)
        answer = f"{friends[asked]} {cities[asked]}"
        return Draft(f"{likes};{lives};{askers[asked]}>", answer, {"homes": [list(home) for home in homes]})

    def verify(self, reply: str, row: Row) -> float:
        return float(last_word(reply) == last_word(row.answer))

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong = [f"{friend} {city}" for friend, city in row.facts["homes"] if city != last_word(row.answer)]
        return rng.choice(wrong)
