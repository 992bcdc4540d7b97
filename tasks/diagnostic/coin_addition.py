"""Sums whose reward is a coin: short replies, loud gradients, nothing to learn."""

import random

from tasks.diagnostic._coin import Coin


class CoinAddition(Coin):
    name = "coin_addition"
    domain = "math"
    revision = 1
    summary = "Sums like those of addition, of other numbers; the reward is a coin fixed by prompt and reply."
    max_reply_tokens = 4

    def question(self, rng: random.Random) -> tuple[str, int]:
        a, b = rng.randint(500, 799), rng.randint(10, 99)
        return f"{a}+{b}=", a + b
