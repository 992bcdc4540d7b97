"""One-hop relation: who works in which room, which room has which number, then a name.

The reply names the room and its number; only the number counts. People and rooms are always listed in the
same order, so that a tiny model can learn where to look.
"""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import NAMES

PEOPLE = 5
ROOMS = "ABCDE"


class Relation(ProceduralTask):
    name = "relation"
    domain = "qa"
    revision = 1
    summary = "From a person to the room to the room's number; the number at the end counts."
    chance = 1 / PEOPLE
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        names, rooms = NAMES[-PEOPLE:], rng.sample(ROOMS, PEOPLE)
        numbers = dict(zip(ROOMS, rng.sample(range(10, 100), PEOPLE), strict=True))
        asked = rng.randrange(PEOPLE)
        works = " ".join(name + room for name, room in zip(names, rooms, strict=True))
        lines = [f"{room}{number}" for room, number in numbers.items()]
        answer = f"{rooms[asked]}{numbers[rooms[asked]]}"
        return Draft(f"{works};{' '.join(lines)};{names[asked]}", answer, {"lines": lines})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip().lstrip(ROOMS) == row.answer[1:])

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = [line for line in row.facts["lines"] if line != row.answer]
        return rng.choice(wrong)
