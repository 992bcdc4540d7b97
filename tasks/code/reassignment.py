"""Predict what is printed after two augmented assignments. The reply is the bare number."""

import random

from tasks import Draft, ProceduralTask, Row


class Reassignment(ProceduralTask):
    name = "reassignment"
    domain = "code"
    revision = 1
    summary = "Predict the number that is left after two augmented assignments."
    chance = 1 / 100  # results spread over roughly a hundred values
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        start, changes = rng.randint(20, 99), [rng.choice((-1, 1)) * rng.randint(1, 9) for _ in range(2)]
        lines = [f"a={start}", *(f"a{'+' if change > 0 else '-'}={abs(change)}" for change in changes)]
        return Draft(f"{';'.join(lines)};print(a)>", str(start + sum(changes)), {"changes": changes})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        offset = rng.choice((-10, -1, 1, 10, -row.facts["changes"][-1]))
        return str(int(row.answer) + offset)
