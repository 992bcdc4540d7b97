"""Products of two three-digit numbers: out of the embedded model's reach."""

import random

from tasks import Draft
from tasks.diagnostic._out_of_reach import OutOfReach


class BigProduct(OutOfReach):
    name = "big_product"
    domain = "math"
    revision = 1
    summary = "Multiply two three-digit numbers without working; out of the embedded model's reach."

    def draw(self, rng: random.Random) -> Draft:
        a, b = rng.randint(100, 999), rng.randint(100, 999)
        return Draft(f"{a}*{b}=", str(a * b))
