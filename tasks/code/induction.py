"""Program induction: write an expression in x that fits shown and hidden input/output pairs.

The reply is executed in the sandbox on every input; the expected values stay outside and are compared
here, so any equivalent expression counts and none can read the answers.
"""

import random
from collections.abc import Callable

from tasks import Draft, ProceduralTask, Row
from tasks._sandbox import evaluate

Family = tuple[str, Callable[[int, int, int], int]]
FAMILIES: tuple[Family, ...] = (
    ("{a}*x+{b}", lambda x, a, b: a * x + b),
    ("{a}*x-{b}", lambda x, a, b: a * x - b),
    ("x*x+{b}", lambda x, a, b: x * x + b),
    ("x*x-{b}", lambda x, a, b: x * x - b),
    ("{b}-x", lambda x, a, b: b - x),
    ("x*x*{a}", lambda x, a, b: x * x * a),
)
SHOWN, HIDDEN = 3, 5
LONGEST = 40
"""Characters of a reply that are looked at; the longest right one has 5."""


class Induction(ProceduralTask):
    name = "induction"
    domain = "code"
    revision = 1
    summary = "Write an expression in x that fits three shown and five hidden pairs."
    chance = 1 / 250  # distinct functions the families can make
    max_reply_tokens = 8

    def draw(self, rng: random.Random) -> Draft:
        text, function = rng.choice(FAMILIES)
        a, b = rng.randint(2, 9), rng.randint(1, 9)
        inputs = rng.sample(range(10), SHOWN) + rng.sample(range(10, 30), HIDDEN)
        outputs = [function(x, a, b) for x in inputs]
        shown = ",".join(f"f({x})={y}" for x, y in list(zip(inputs, outputs, strict=True))[:SHOWN])
        facts = {"inputs": inputs, "outputs": outputs}
        return Draft(f"{shown};f(x)=", text.format(a=a, b=b), facts)

    def verify(self, reply: str, row: Row) -> float:
        expression = reply.strip()
        if not expression or len(expression) > LONGEST:
            return 0.0
        return float(evaluate(expression, "x", row.facts["inputs"]) == row.facts["outputs"])

    def slip(self, row: Row, rng: random.Random) -> str:
        text, function = rng.choice(FAMILIES)
        a, b = rng.randint(2, 9), rng.randint(1, 9)
        if [function(x, a, b) for x in row.facts["inputs"]] == row.facts["outputs"]:
            return self.slip(row, rng)
        return text.format(a=a, b=b)
