"""What the drawn tasks in whole sentences share: how a reply is read, people, lists in words, wrong numbers.

They are asked of models that speak English. A reply is read as those of the multiple-choice tasks are
(`tasks._choice`): what follows its last "Answer:" counts, or else its last line, without the markup around it, and
it must be the right answer and nothing else. Each task has one constant or two that set how hard it is; turning one
changes the rows, so that it means a new `revision`.
"""

import random
from collections.abc import Sequence

from tasks import ProceduralTask, Row
from tasks._choice import final_answer

NUMBER_ONLY = "Reply with the number only."
NAME_ONLY = "Reply with the name only."
NAMES = ("Anna", "Ben", "Clara", "David", "Emma", "Frank", "Grace", "Henry", "Julia", "Kevin", "Laura", "Martin")


class SentenceTask(ProceduralTask):
    """A drawn task whose rows keep wrong answers in `facts["wrong"]`: at least three, a likelier one perhaps twice."""

    def verify(self, reply: str, row: Row) -> float:
        return float(final_answer(reply) == row.answer)

    def slip(self, row: Row, rng: random.Random) -> str:
        wrong: list[str] = row.facts["wrong"]
        return rng.choice(wrong)


class ListTask(SentenceTask):
    """A task whose answer is a list; commas separate its items, and white space around an item does not count."""

    def verify(self, reply: str, row: Row) -> float:
        return float(items(final_answer(reply)) == items(row.answer))


def items(text: str) -> list[str]:
    """The items of a list that commas separate."""
    return [item.strip() for item in text.split(",")]


def listed(values: Sequence[object]) -> str:
    """A list as a reply gives it: `3, 5, 8`."""
    return ", ".join(map(str, values))


def joined(parts: Sequence[str]) -> str:
    """Parts as a sentence lists them: `a, b and c`. At least two."""
    return f"{', '.join(parts[:-1])} and {parts[-1]}"


def others(right: object, candidates: Sequence[object]) -> list[str]:
    """The candidates that differ from the right answer, as text, each once, in their order."""
    return [text for text in dict.fromkeys(map(str, candidates)) if text != str(right)]


def near(value: int, *likely: int) -> list[str]:
    """Wrong numbers for `value`: the likely ones, and those one and two off; none is negative unless `value` is."""
    found = [*likely, value - 2, value - 1, value + 1, value + 2]
    return others(value, [other for other in found if other >= min(value, 0)])
