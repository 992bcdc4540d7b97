"""Write a Python expression in x that fits three examples, and five more that are not shown.

The reply is the expression. It is run in the sandbox as that of `induction` is: any that gives the right integers
counts.
"""

import random
from collections.abc import Callable

from tasks import Draft, ProceduralTask, Row
from tasks._sandbox import evaluate
from tasks.code.induction import HIDDEN, LONGEST, SHOWN

LARGEST = 9
"""Difficulty: the largest number in an expression, at least 3."""
FAMILIES: tuple[tuple[str, Callable[[int, int, int], int]], ...] = (
    ("x + {b}", lambda x, a, b: x + b),
    ("x - {b}", lambda x, a, b: x - b),
    ("{b} - x", lambda x, a, b: b - x),
    ("{a} * x", lambda x, a, b: a * x),
    ("{a} * x + {b}", lambda x, a, b: a * x + b),
)
"""Difficulty: what an expression may look like."""
SMALL, LARGE = range(1, 11), range(11, 31)
"""The values of x that are shown, and those that are not."""


class Expression(ProceduralTask):
    name = "expression"
    domain = "code"
    revision = 1
    summary = "Write a Python expression in x that fits three shown and five hidden examples; it is run."
    chance = 1 / 70  # a family, then its numbers
    max_reply_tokens = 10

    def draw(self, rng: random.Random) -> Draft:
        text, function, a, b = _drawn(rng)
        inputs = rng.sample(SMALL, SHOWN) + rng.sample(LARGE, HIDDEN)
        outputs = [function(x, a, b) for x in inputs]

        first, second, third = (f"f({x}) = {y}" for x, y in list(zip(inputs, outputs, strict=True))[:SHOWN])
        prompt = f"A function has {first}, {second} and {third}. Write f(x) in Python. Reply with the expression only."
        return Draft(prompt, text.format(a=a, b=b), {"inputs": inputs, "outputs": outputs})

    def verify(self, reply: str, row: Row) -> float:
        expression = reply.strip()
        if not expression or len(expression) > LONGEST:
            return 0.0
        return float(evaluate(expression, "x", row.facts["inputs"]) == row.facts["outputs"])

    def slip(self, row: Row, rng: random.Random) -> str:
        text, function, a, b = _drawn(rng)
        if [function(x, a, b) for x in row.facts["inputs"]] == row.facts["outputs"]:
            return self.slip(row, rng)
        return text.format(a=a, b=b)


def _drawn(rng: random.Random) -> tuple[str, Callable[[int, int, int], int], int, int]:
    """A family and its numbers."""
    text, function = rng.choice(FAMILIES)
    return text, function, rng.randint(2, LARGEST), rng.randint(1, LARGEST)
