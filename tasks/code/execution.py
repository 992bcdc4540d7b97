"""Predict what a three-line program prints. The reply is the bare number."""

import random

from tasks import Draft, ProceduralTask, Row

STEPS = ("+", "-")


def apply(sign: str, left: int, right: int) -> int:
    """One arithmetic step of a generated program."""
    return left + right if sign == "+" else left - right


class Execution(ProceduralTask):
    name = "execution"
    domain = "code"
    revision = 1
    summary = "Predict the number that a three-line program prints."
    chance = 1 / 50  # results spread over roughly fifty values
    max_reply_tokens = 5

    def draw(self, rng: random.Random) -> Draft:
        start, signs = rng.randint(2, 19), (rng.choice(STEPS), rng.choice(STEPS))
        numbers = (rng.randint(1, 9), rng.randint(1, 9))
        middle = apply(signs[0], start, numbers[0])
        value = apply(signs[1], middle, numbers[1])
        program = f"a={start};b=a{signs[0]}{numbers[0]};print(b{signs[1]}{numbers[1]})"
        return Draft(f"{program}>", str(value), {"middle": middle})

    def verify(self, reply: str, row: Row) -> float:
        return float(reply.strip() == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        value = int(row.answer)
        near = [value + offset for offset in (-10, -2, -1, 1, 2, 10)] + [row.facts["middle"]]
        return str(rng.choice([wrong for wrong in near if wrong != value]))
