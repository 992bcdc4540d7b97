"""Find the tallest or the shortest of some people from comparisons of two at a time. The reply is the name."""

import random
from itertools import pairwise

from tasks import Draft
from tasks._sentences import NAME_ONLY, NAMES, SentenceTask

PEOPLE = 4
"""Difficulty: people in the chain of comparisons, 4 to 12: one sentence fewer."""
SHUFFLED = True
"""Difficulty: whether sentences stand in any order, or in that of the chain."""


class Tallest(SentenceTask):
    name = "tallest"
    domain = "qa"
    revision = 1
    summary = "Find the tallest or the shortest of four people from three comparisons; the reply must be the name."
    chance = 1 / PEOPLE
    max_reply_tokens = 8

    def draw(self, rng: random.Random) -> Draft:
        people = rng.sample(NAMES, PEOPLE)  # the tallest comes first
        compared = [
            f"{taller} is taller than {shorter}." if rng.random() < 0.5 else f"{shorter} is shorter than {taller}."
            for taller, shorter in pairwise(people)
        ]
        if SHUFFLED:
            rng.shuffle(compared)

        asked, right = rng.choice((("tallest", people[0]), ("shortest", people[-1])))
        wrong = [name for name in people if name != right]
        return Draft(f"{' '.join(compared)} Who is the {asked}? {NAME_ONLY}", right, {"wrong": wrong})
