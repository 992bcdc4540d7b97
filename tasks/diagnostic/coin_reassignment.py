"""Programs whose reward is a coin: short replies, loud gradients, nothing to learn."""

import random

from tasks.diagnostic._coin import Coin


class CoinReassignment(Coin):
    name = "coin_reassignment"
    domain = "code"
    revision = 2
    summary = "Programs like those of reassignment, of b; the reward is a coin fixed by prompt and reply."
    max_reply_tokens = 5

    def question(self, rng: random.Random) -> tuple[str, int]:
        start, changes = rng.randint(20, 99), [rng.choice((-1, 1)) * rng.randint(1, 9) for _ in range(2)]
        lines = [f"b={start}", *(f"b{'+' if change > 0 else '-'}={abs(change)}" for change in changes)]
        return f"{';'.join(lines)};print(b)>", start + sum(changes)
