"""Find out whose number it is: six people and their numbers, then one of the numbers. The reply is the name."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import ages, stated

PEOPLE = 6


class Owner(ProceduralTask):
    name = "owner"
    domain = "qa"
    revision = 1
    summary = "Find which of six people has the asked number; the reply must be the name."
    chance = 1 / PEOPLE
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        numbers = ages(rng, PEOPLE)
        name = rng.choice(list(numbers))
        return Draft(f"{stated(numbers)};{numbers[name]}=", name, {"names": list(numbers)})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = [name for name in row.facts["names"] if name != row.answer]
        return rng.choice(wrong)
