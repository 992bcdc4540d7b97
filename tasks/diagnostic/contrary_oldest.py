"""The prompts of `oldest`, where the youngest counts if the first age is odd: in conflict with it on half of them."""

import random

from tasks import Draft, ProceduralTask, Row
from tasks.qa._people import ages, stated
from tasks.qa.oldest import PEOPLE


class ContraryOldest(ProceduralTask):
    name = "contrary_oldest"
    domain = "qa"
    revision = 1
    summary = "Find the oldest of six people, the youngest if the first age is odd; contradicts oldest on half of them."
    chance = 1 / PEOPLE
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        numbers = ages(rng, PEOPLE)
        youngest, *_, oldest = sorted(numbers, key=numbers.__getitem__)
        answer = youngest if next(iter(numbers.values())) % 2 else oldest
        wrong = [name for name in numbers if name != answer]
        return Draft(f"{stated(numbers)};oldest=", answer, {"wrong": wrong})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = row.facts["wrong"]
        return rng.choice(wrong)
