"""A word problem about things that somebody has, gets and gives away. The reply shows its steps and ends in the number.

The working is not judged: only the number after the last "Answer:" counts.
"""

import random
from typing import Any

from tasks import Draft, Row
from tasks._sentences import NAMES, SentenceTask

STEPS = 2
"""Difficulty: operations from what is stated to the answer, at least 1."""
LARGEST = 9
"""Difficulty: the largest number that is stated, at least 5; packs and what they hold go up to its half, or 5."""
ASK = 'Show each step, and end with "Answer:" and the number.'
THINGS = ("apples", "books", "cards", "coins", "eggs", "marbles", "pencils", "shells", "stamps", "sweets")
PACKS = ("bags", "boxes", "jars", "packs")
MORE = ("buys {n} more", "finds {n} more", "gets {n} more", "is given {n} more")
LESS = ("gives away {n}", "loses {n}", "sells {n}", "throws away {n}")

Step = tuple[str, int]
"""A sign (+, - or *) and the number that stands after it."""


def totals(start: int, steps: list[Step]) -> list[int]:
    """What there is at the start and after each step."""
    found = [start]
    for sign, number in steps:
        before = found[-1]
        found.append({"+": before + number, "-": before - number, "*": before * number}[sign])
    return found


def worked(name: str, things: str, start: int, steps: list[Step], error: tuple[int, int] | None = None) -> str:
    """The steps in sentences, then the answer; `error` = (step, offset) adds a slip and carries it on."""
    sentences, total = [], start

    for place, (sign, number) in enumerate(steps):
        before, total = total, totals(total, [(sign, number)])[-1]
        if error and error[0] == place:
            total = max(0, total + error[1])

        begin = "Then" if place else "First"
        sentences.append(f"{begin} {name} has {before} {sign} {number} = {total} {things}.")

    return f"{' '.join(sentences)}\nAnswer: {total}"


class WordProblem(SentenceTask):
    name = "word_problem"
    domain = "math"
    revision = 1
    summary = "Solve a word problem of two steps and show the working; the number after the last Answer: counts."
    chance = 1 / 20  # most answers lie below twenty
    max_reply_tokens = 36

    def draw(self, rng: random.Random) -> Draft:
        name, things = rng.choice(NAMES), rng.choice(THINGS)
        start, first, steps = _start(things, rng)
        changes = []

        # nobody gives away all that is there, or more
        while len(steps) < STEPS:
            here = totals(start, steps)[-1]
            less = rng.random() < 0.5 and here > 2
            number = rng.randint(2, min(LARGEST, here - 1) if less else LARGEST)
            steps.append(("-" if less else "+", number))
            changes.append(rng.choice(LESS if less else MORE).format(n=number))

        told = "".join(f" Then {name} {change}." for change in changes)
        prompt = f"{name} has {first}.{told} How many {things} does {name} have in the end? {ASK}"
        facts = {"name": name, "things": things, "start": start, "steps": [list(step) for step in steps]}
        return Draft(prompt, str(totals(start, steps)[-1]), facts)

    def solution(self, row: Row) -> str:
        return worked(**_story(row))

    def slip(self, row: Row, rng: random.Random) -> str:
        """One step is one or two off, or adds where it should take away."""
        story = _story(row)
        place = rng.randrange(len(story["steps"]))
        if rng.random() < 0.7:
            wrong = worked(**story, error=(place, rng.choice((-2, -1, 1, 2))))
        else:
            sign, number = story["steps"][place]
            story["steps"][place] = ({"+": "-", "-": "+", "*": "+"}[sign], number)
            wrong = worked(**story)

        # no story tells of fewer than no things, and 2 + 2 is 2 * 2
        possible = min(totals(story["start"], story["steps"])) >= 0 and not self.verify(wrong, row)
        return wrong if possible else self.slip(row, rng)


def _start(things: str, rng: random.Random) -> tuple[int, str, list[Step]]:
    """What there is at first, as a number and in words; in packs, a step tells how many things they hold."""
    number = rng.randint(2, LARGEST)
    if STEPS == 1 or rng.random() < 0.5:
        return number, f"{number} {things}", []
    most = max(5, LARGEST // 2)
    number, each = rng.randint(2, most), rng.randint(2, most)
    return number, f"{number} {rng.choice(PACKS)} of {each} {things} each", [("*", each)]


def _story(row: Row) -> dict[str, Any]:
    """What `worked` takes, with a list of steps of its own."""
    return {**row.facts, "steps": [(sign, number) for sign, number in row.facts["steps"]]}
