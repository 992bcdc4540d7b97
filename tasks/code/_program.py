"""What code tasks share: the program in a reply, and wrong programs that look right."""

import random
import re
from collections.abc import Iterator
from itertools import islice

from tasks import DataTask, Row

LONGEST = 50_000
"""Characters of a program that is run."""
FENCE = "```"
LANGUAGES = ("python", "python3", "py", "")
ASK = "Reply with the whole program in one ```python block."
_RETURN = re.compile(r"^(\s*return)[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
SPOILED = ("None", "[{0}]", "({0},)", "not ({0})", "str({0})", "({0}, {0})", "[]", "0", "1", "''", "True", "False")
"""What a wrong program returns in place of an expression."""


def blocks(text: str) -> Iterator[str]:
    """The fenced blocks of a text that are Python or name no language; the last one may lack its end."""
    inside: list[str] | None = None
    wanted = False
    for line in text.split("\n"):
        if line.lstrip().startswith(FENCE):
            if inside is None:
                inside, wanted = [], line.strip().removeprefix(FENCE).strip().lower() in LANGUAGES
                continue
            if wanted:
                yield "\n".join(inside)
            inside = None
        elif inside is not None:
            inside.append(line)
    if inside is not None and wanted:
        yield "\n".join(inside)


def program_of(reply: str) -> str:
    """The last Python block of a reply, or else the whole reply; '' if it is too long to be run."""
    *_, last = ["", *blocks(reply)] if FENCE in reply else [reply]
    return last if len(last) <= LONGEST else ""


def fenced(program: str) -> str:
    """A program as a reply."""
    return f"{FENCE}python\n{program.strip(chr(10))}\n{FENCE}"


def unix(text: str) -> str:
    """A text with the line ends of Unix."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class ProgramTask(DataTask):
    """A task whose reply is a program and whose rows carry a right one, `facts["code"]`."""

    domain = "code"
    revision = 1
    chance = 0.0

    def solution(self, row: Row) -> str:
        return fenced(str(row.facts["code"]))

    def slip(self, row: Row, rng: random.Random) -> str:
        """The right program with one `return` or `print` spoiled, or without its last line."""
        wrong = list(spoiled(str(row.facts["code"])))
        rng.shuffle(wrong)
        replies = (fenced(program) for program in [*islice(wrong, 10), "pass", "raise NotImplementedError"])
        return next(reply for reply in replies if self.verify(reply, row) == 0.0)


def spoiled(code: str) -> Iterator[str]:
    """Programs like `code` whose last `return` gives something else, or whose last line is missing."""
    found = list(_RETURN.finditer(code))
    for pattern in SPOILED if found else ():
        kept, value = found[-1].span(2)
        yield code[:kept] + pattern.format(found[-1][2]) + code[value:]
    if "\n" in code.strip():
        yield code.rstrip().rpartition("\n")[0]
