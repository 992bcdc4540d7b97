"""Column addition with worked steps: one sum per column, carries written out, then the total.

The reply is long (about 25 tokens) and only its last word counts, as with a chain of thought.
"""

import random

from tasks import Draft, ProceduralTask, Row, last_word

PROMPT = "add {a} {b}:"
COLUMNS = 3


def worked(a: int, b: int, error: tuple[int, int] | None = None) -> str:
    """The steps and the total of a + b; `error` = (column, offset) adds a slip and carries it on."""
    steps = []
    total = 0
    carry = False

    for column in range(COLUMNS):
        x = a // 10**column % 10
        y = b // 10**column % 10
        value = x + y + carry
        if error and error[0] == column:
            value = max(0, value + error[1])

        steps.append(f"{x}+{y}+1={value}" if carry else f"{x}+{y}={value}")

        # the last column keeps its carry: there is none to hand it to
        last = column == COLUMNS - 1
        total += (value if last else value % 10) * 10**column
        carry = value // 10 > 0

    return f"{' '.join(steps)} {total}"


class ColumnAddition(ProceduralTask):
    name = "column_addition"
    domain = "math"
    revision = 1
    summary = "Add two three-digit numbers column by column; the last word is the sum."
    chance = 1 / 1000
    max_reply_tokens = 30

    def draw(self, rng: random.Random) -> Draft:
        a, b = rng.randint(100, 999), rng.randint(100, 999)
        return Draft(PROMPT.format(a=a, b=b), worked(a, b), {"a": a, "b": b})

    def verify(self, reply: str, row: Row) -> float:
        return float(last_word(reply) == str(row.facts["a"] + row.facts["b"]))

    def slip(self, row: Row, rng: random.Random) -> str:
        column = rng.randrange(COLUMNS)
        offset = rng.choice((-2, -1, 1, 2))
        wrong = worked(row.facts["a"], row.facts["b"], (column, offset))
        return wrong if not self.verify(wrong, row) else self.slip(row, rng)
