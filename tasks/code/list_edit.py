"""Follow what is done to a Python list, told in words. The reply is the list at the end."""

import random
from collections.abc import Callable

from tasks import Draft
from tasks._sentences import ListTask, listed, others

STEPS = 2
"""Difficulty: edits, one after the other, at least 1."""
LENGTH = 4
"""Difficulty: items at the start, at least STEPS + 2."""
LARGEST = 9
"""Difficulty: the largest item, at least LENGTH."""
EDITS: tuple[tuple[str, Callable[[list[int], int], list[int]]], ...] = (
    ("append {n}", lambda values, n: [*values, n]),
    ("insert {n} at the front", lambda values, n: [n, *values]),
    ("remove the first item", lambda values, n: values[1:]),
    ("remove the last item", lambda values, n: values[:-1]),
    ("reverse the list", lambda values, n: values[::-1]),
    ("swap the first two items", lambda values, n: [values[1], values[0], *values[2:]]),
)


class ListEdit(ListTask):
    name = "list_edit"
    domain = "code"
    revision = 1
    summary = "Follow two edits of a list of digits; the reply must be the list at the end."
    chance = 1 / 100  # two edits of six, of which two put in a digit
    max_reply_tokens = 18

    def draw(self, rng: random.Random) -> Draft:
        start = rng.sample(range(1, LARGEST + 1), LENGTH)
        chosen = [(*edit, rng.randint(1, LARGEST)) for edit in rng.sample(EDITS, STEPS)]
        states = [start]
        for _, change, number in chosen:
            states.append(change(states[-1], number))

        right = states[-1]
        if right == start:  # nothing would have to be done
            return self.draw(rng)

        told = ", then ".join(text.format(n=number) for text, _, number in chosen)
        prompt = f"Take the Python list {start}. First {told}. What is the list in the end? Reply with the list only."
        found = [*states, right[::-1], right[1:], right[:-1], [*right[:-2], right[-1], right[-2]]]
        return Draft(prompt, listed(right), {"wrong": others(listed(right), list(map(listed, found)))})
