"""Count a letter in two words. The reply spells them with a running count, and ends in the number.

The working is not judged: only the number after the last "Answer:" counts. Numbers are drawn first, so that each is
as frequent as the others until its prompts run out.
"""

import random

from tasks import Draft, Row
from tasks._sentences import SentenceTask

WORDS = 2
"""Difficulty: words whose letters are counted, 2 or 3."""
MOST = 4
"""Difficulty: the largest number, 2 to 4; with WORDS = 2 there are some 2,400 prompts for 4."""
ASK = 'Spell and count, and end with "Answer:" and the number.'
POOL = (
    "access", "address", "apple", "balloon", "banana", "beetle", "better", "bitter", "bonnet", "bottle", "breeze",
    "broken", "bubble", "button", "carrot", "cheese", "cocoon", "coffee", "cookie", "copper", "cottage", "cotton",
    "dessert", "dinner", "dotted", "engineer", "freeze", "frozen", "garden", "gentle", "giggle", "golden", "green",
    "hammer", "happy", "hidden", "hollow", "kettle", "kitten", "ladder", "letter", "little", "lovely", "mammal",
    "mellow", "messages", "mirror", "narrow", "needle", "nineteen", "paddle", "papaya", "paper", "pebble", "pepper",
    "pillow", "pocket", "poodle", "potato", "pretty", "proper", "puppet", "purple", "rabbit", "raccoon", "ribbon",
    "rubber", "school", "seesaw", "seven", "seventeen", "silver", "sleepy", "sleeve", "spoon", "street", "success",
    "sweet", "table", "tattoo", "teapot", "tennis", "tomato", "tunnel", "wheel", "winter", "wooden", "woollen",
    "yellow",
)  # fmt: skip


def spelt(words: str, letter: str, error: int | None = None) -> str:
    """The letters, each with the count so far, then the answer; the letter at place `error` is misjudged."""
    count, steps = 0, []
    for place, here in enumerate(words.replace(" ", "")):
        count += (here == letter) != (place == error)
        steps.append(f"{here}{count}")
    return f"{' '.join(steps)}\nAnswer: {count}"


class LetterCount(SentenceTask):
    name = "letter_count"
    domain = "qa"
    revision = 1
    summary = "Count a letter in two words by spelling them; the number after the last Answer: counts."
    chance = 1 / MOST
    max_reply_tokens = 44

    def draw(self, rng: random.Random) -> Draft:
        number = rng.randint(1, MOST)
        letters: list[str] = []
        while not letters:
            words = " ".join(rng.sample(POOL, WORDS))
            letters = [letter for letter in sorted(set(words) - {" "}) if words.count(letter) == number]

        letter = rng.choice(letters)
        prompt = f'How many times does the letter "{letter}" occur in "{words}"? {ASK}'
        return Draft(prompt, str(number), {"words": words, "letter": letter})

    def solution(self, row: Row) -> str:
        return spelt(row.facts["words"], row.facts["letter"])

    def slip(self, row: Row, rng: random.Random) -> str:
        """One of the letters is misjudged."""
        words: str = row.facts["words"]
        return spelt(words, row.facts["letter"], rng.randrange(len(words.replace(" ", ""))))
