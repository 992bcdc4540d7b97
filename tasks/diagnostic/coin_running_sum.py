"""Running sums whose reward is a coin: long replies, quiet gradients, nothing to learn."""

import random

from tasks.diagnostic._coin import Coin
from tasks.math.running_sum import totals


class CoinRunningSum(Coin):
    name = "coin_running_sum"
    domain = "math"
    revision = 1
    summary = "Sums like those of running_sum, of six digits; the reward is a coin fixed by prompt and reply."
    max_reply_tokens = 18

    def question(self, rng: random.Random) -> tuple[str, int]:
        digits = [rng.randint(1, 9) for _ in range(6)]
        return f"sum {' '.join(map(str, digits))}:", sum(digits)

    def reply(self, value: int) -> str:
        return totals([1, 2, 3, 4, 5, value - 15])
