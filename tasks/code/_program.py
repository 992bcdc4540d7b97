"""What code tasks share: the program in a reply, and wrong programs that look right."""

import random
import re
from collections.abc import Iterator, Sequence
from itertools import islice

from tasks import DataTask, Row
from tasks.code._fences import blocks

LONGEST = 50_000
"""Characters of a program that is run."""
ASK = "Reply with the whole program in one ```python block."
_RETURN = re.compile(r"^(\s*return)[ \t]+(\S.*?)[ \t]*$", re.MULTILINE)
SPOILED = ("None", "[{0}]", "({0},)", "not ({0})", "str({0})", "({0}, {0})", "[]", "0", "1", "''", "True", "False")
"""What a wrong program returns in place of an expression."""


def program_of(reply: str, names: Sequence[str] = ()) -> str:
    """The program in a reply: its last Python block that defines one of `names`, else its last one, else all of it.

    '' if it is too long to be run.
    """
    found = blocks(reply)
    if found:
        defining = [block for block in found if any(defines(block, name) for name in names)]
        reply = (defining or found)[-1]
    return reply if len(reply) <= LONGEST else ""


def defines(program: str, name: str) -> bool:
    """Whether a program gives a value to a name at its top level, by the look of its lines."""
    defined = rf"^(?:(?:async +def|def|class)\s+{re.escape(name)}\b|{re.escape(name)}\s*[=:])"
    return bool(re.search(defined, program, re.MULTILINE))


def fenced(program: str) -> str:
    """A program as a reply."""
    return f"```python\n{program.strip(chr(10))}\n```"


def unix(text: str) -> str:
    """A text with the line ends of Unix."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


class ProgramTask(DataTask):
    """A task whose reply is a program and whose rows carry a right one, `facts["code"]`."""

    domain = "code"
    revision = 2
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
