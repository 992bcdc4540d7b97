"""Count the things of one category in a list of things: find two small numbers and add them.

The reply is the number.
"""

import random

from tasks import Draft
from tasks._sentences import NUMBER_ONLY, SentenceTask, joined, near

WANTED = 2
"""Difficulty: kinds that belong to the category that is asked for, 2 to 5: how many numbers are added."""
BESIDE = 2
"""Difficulty: kinds that belong to another category, 1 to 5."""
LARGEST = 9
"""Difficulty: the largest number of one kind."""
CATEGORIES = {
    "animals": ("cats", "cows", "dogs", "ducks", "horses", "sheep"),
    "flowers": ("daisies", "lilies", "orchids", "roses", "tulips", "violets"),
    "pieces of clothing": ("coats", "hats", "jackets", "scarves", "shirts", "socks"),
    "pieces of fruit": ("apples", "bananas", "lemons", "oranges", "peaches", "pears"),
    "pieces of furniture": ("beds", "chairs", "desks", "shelves", "sofas", "tables"),
    "tools": ("axes", "drills", "hammers", "ladders", "saws", "shovels"),
    "vehicles": ("bicycles", "buses", "cars", "trains", "trucks", "vans"),
}


class CategoryCount(SentenceTask):
    name = "category_count"
    domain = "math"
    revision = 1
    summary = "Add up the things of one category in a list of things; the reply must be the number."
    chance = 1 / 8  # pairs of numbers from 2 to 9 with the likeliest sum, 11
    max_reply_tokens = 4

    def draw(self, rng: random.Random) -> Draft:
        asked, beside = rng.sample(list(CATEGORIES), 2)
        kinds = rng.sample(CATEGORIES[asked], WANTED) + rng.sample(CATEGORIES[beside], BESIDE)
        counts = {kind: rng.randint(2, LARGEST) for kind in kinds}
        shown = joined([f"{counts[kind]} {kind}" for kind in rng.sample(kinds, len(kinds))])

        right, everything = sum(counts[kind] for kind in kinds[:WANTED]), sum(counts.values())
        wrong = near(right, everything, everything - right, counts[kinds[0]])
        prompt = f"A picture shows {shown}. How many {asked} does it show? {NUMBER_ONLY}"
        return Draft(prompt, str(right), {"wrong": wrong})
