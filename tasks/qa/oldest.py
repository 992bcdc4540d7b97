"""Find the oldest of six people whose ages are stated. The reply is the name."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import ages, stated

PEOPLE = 6


class Oldest(ProceduralTask):
    name = "oldest"
    domain = "qa"
    revision = 1
    summary = "Find the oldest of six people whose ages are stated; the reply must be the name."
    chance = 1 / PEOPLE
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        numbers = ages(rng, PEOPLE)
        youngest, *others, oldest = sorted(numbers, key=numbers.__getitem__)
        return Draft(f"{stated(numbers)};oldest=", oldest, {"youngest": youngest, "others": others})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        """Half of the slips name the youngest, the others anybody else."""
        others: list[str] = row.facts["others"]
        return str(row.facts["youngest"]) if rng.random() < 0.5 else rng.choice(others)
