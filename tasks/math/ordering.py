"""Put the numbers of a sentence in order. The reply lists them, with commas."""

import random

from tasks import Draft
from tasks._sentences import ListTask, joined, listed, others

COUNT = 5
"""Difficulty: numbers to put in order, at least 3."""
LARGEST = 99
"""Difficulty: the largest number, at least COUNT."""
ORDERS = (("from smallest to largest", False), ("from largest to smallest", True))


class Ordering(ListTask):
    name = "ordering"
    domain = "math"
    revision = 1
    summary = "Put five numbers of a sentence in order; the reply must be the list."
    chance = 1 / 120  # orders of five numbers
    max_reply_tokens = 20

    def draw(self, rng: random.Random) -> Draft:
        numbers = rng.sample(range(1, LARGEST + 1), COUNT)
        words, falling = rng.choice(ORDERS)
        right = sorted(numbers, reverse=falling)
        if right == numbers:  # the prompt would give the answer
            return self.draw(rng)

        prompt = f"Put the numbers {joined(list(map(str, numbers)))} in order, {words}. Reply with the list only."
        wrong = others(listed(right), [listed(found) for found in _wrong(right, rng)])
        return Draft(prompt, listed(right), {"wrong": wrong})


def _wrong(right: list[int], rng: random.Random) -> list[list[int]]:
    """The other way round, two neighbours exchanged, one number changed by ten, a number lost."""
    swaps = [[*right[:i], right[i + 1], right[i], *right[i + 2 :]] for i in range(COUNT - 1)]
    place = rng.randrange(COUNT)
    changed = [number + 10 * (i == place) for i, number in enumerate(right)]
    return [right[::-1], *swaps, changed, [*right[:place], *right[place + 1 :]]]
