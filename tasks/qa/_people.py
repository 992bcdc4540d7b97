"""The people that the question-answering tasks speak of."""

import random

NAMES = ("ann", "bob", "eve", "gus", "ida", "jon", "kim", "lea", "max", "ned", "sue", "tom")


def ages(rng: random.Random, count: int) -> dict[str, int]:
    """The first people, always in the same order, with distinct two-digit numbers."""
    return dict(zip(NAMES, rng.sample(range(10, 100), count), strict=False))


def stated(numbers: dict[str, int]) -> str:
    """People and their numbers as a prompt states them: `ann65 bob59`."""
    return " ".join(f"{name}{number}" for name, number in numbers.items())
