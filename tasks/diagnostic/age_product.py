"""The product of three people's ages: out of the embedded model's reach."""

import math
import random

from tasks import Draft
from tasks.diagnostic._out_of_reach import OutOfReach
from tasks.qa._people import NAMES, stated


class AgeProduct(OutOfReach):
    name = "age_product"
    domain = "qa"
    revision = 1
    summary = "Multiply the ages of three people; out of the embedded model's reach."

    def draw(self, rng: random.Random) -> Draft:
        numbers = dict(zip(NAMES, rng.sample(range(30, 100), 3), strict=False))
        return Draft(f"{stated(numbers)};product=", str(math.prod(numbers.values())))
