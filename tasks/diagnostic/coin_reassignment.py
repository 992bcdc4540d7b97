"""Programs whose reward is a coin: short replies, loud gradients, nothing to learn."""

import random

from tasks.diagnostic._coin import Coin


class CoinReassignment(Coin):
    name = "coin_reassignment"
    domain = "code"
    revision = 1
    summary = "Programs like those of reassignment, of b; the reward is a coin fixed by prompt and reply."
    max_reply_tokens = 5

    def question(self, rng: random.Random) -> tuple[str, int]:
        start, first, second = rng.randint(20, 99), rng.randint(1, 9), rng.randint(1, 9)
        return f"b={start};b+={first};b-={second};print(b)>", start + first - second
