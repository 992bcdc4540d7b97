"""Powers modulo a prime: out of the embedded model's reach."""

import random

from tasks import Draft
from tasks.diagnostic._out_of_reach import OutOfReach

PRIME = 99_991


class ModularPower(OutOfReach):
    name = "modular_power"
    domain = "code"
    revision = 1
    summary = "Predict a power modulo a prime; out of the embedded model's reach."

    def draw(self, rng: random.Random) -> Draft:
        base, exponent = rng.randint(100, 999), rng.randint(11, 99)
        value = pow(base, exponent, PRIME) + PRIME
        return Draft(f"print({base}**{exponent}%{PRIME}+{PRIME})>", str(value))
