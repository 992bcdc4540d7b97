"""Worked additions whose reward is a coin: long replies, quiet gradients, nothing to learn."""

import random

from tasks.diagnostic._coin import Coin
from tasks.math.column_addition import worked


class CoinColumnAddition(Coin):
    name = "coin_column_addition"
    domain = "math"
    revision = 1
    summary = "Additions like those of column_addition, with a 0 more; the reward is a coin fixed by prompt and reply."
    max_reply_tokens = 32

    def question(self, rng: random.Random) -> tuple[str, int]:
        a, b = rng.randint(100, 999), rng.randint(100, 899)
        return f"add {a} {b} 0:", a + b

    def reply(self, value: int) -> str:
        return worked(value // 2, value - value // 2)
