"""Say what a Python program of a few lines prints. The reply is the output, which is one line.

Programs are of five kinds, from reading a list to following a loop.
"""

import random

from tasks import Draft
from tasks._sentences import SentenceTask, near, others

LARGEST = 9
"""Difficulty: the largest number in a program, at least 5."""
LENGTH = 4
"""Difficulty: items of a list, 3 to 8; a loop runs over one fewer."""
WORDS = ("ant", "bird", "cake", "door", "fish", "gold", "hill", "lamp", "moon", "nest", "rain", "snow", "tree", "wolf")

Found = tuple[list[str], object, list[str]]
"""The lines of a program, what it prints, and plausible wrong outputs."""


def assigned(rng: random.Random) -> Found:
    """Two variables, the second made of the first."""
    a, b = rng.randint(2, LARGEST), rng.randint(2, LARGEST)
    return [f"a = {a}", f"b = a + {b}", "print(b)"], a + b, near(a + b, a, b)


def indexed(rng: random.Random) -> Found:
    """One item of a list."""
    values, place = rng.sample(range(1, LARGEST + 1), LENGTH), rng.randrange(LENGTH)
    wrong = others(values[place], [*values, place])
    return [f"values = {values}", f"print(values[{place}])"], values[place], wrong


def branched(rng: random.Random) -> Found:
    """The branch that a comparison takes."""
    (a, b), (yes, no) = rng.sample(range(1, 10 * LARGEST), 2), rng.sample(WORDS, 2)
    sign, taken = rng.choice((("<", a < b), (">", a > b)))
    lines = [f"a = {a}", f"if a {sign} {b}:", f'    print("{yes}")', "else:", f'    print("{no}")']
    right, wrong = (yes, no) if taken else (no, yes)
    return lines, right, [wrong, f"{yes} {no}", str(taken)]


def repeated(rng: random.Random) -> Found:
    """A word, so many times over."""
    word, times = rng.choice(WORDS), rng.randint(2, 4)
    wrong = [word * (times - 1), word * (times + 1), " ".join([word] * times)]
    return [f'word = "{word}"', f"print(word * {times})"], word * times, wrong


def looped(rng: random.Random) -> Found:
    """Each item of a list, a little larger."""
    values, step = rng.sample(range(1, LARGEST + 1), LENGTH - 1), rng.randint(1, 3)
    right = [value + step for value in values]
    wrong = [values, [value + step + 1 for value in values], [*right[:-1], right[-1] + 1], right[:-1], [sum(right)]]
    lines = [f"for n in {values}:", f'    print(n + {step}, end=" ")']
    return lines, _line(right), list(map(_line, wrong))


KINDS = (assigned, indexed, branched, repeated, looped)
"""Difficulty: the kinds of programs; naming one twice makes it twice as frequent."""


class ProgramOutput(SentenceTask):
    name = "program_output"
    domain = "code"
    revision = 1
    summary = "Say what a Python program of a few lines prints; the reply must be the output."
    chance = 1 / 6  # a guess among the two branches, the items of a list and the words shown
    max_reply_tokens = 18

    def draw(self, rng: random.Random) -> Draft:
        lines, right, wrong = rng.choice(KINDS)(rng)
        program = "\n".join(lines)
        return Draft(f"What does this Python program print?\n{program}", str(right), {"wrong": wrong})


def _line(values: list[int]) -> str:
    return " ".join(map(str, values))
