r"""What tasks share whose answers are formulas in \boxed{}: they must equal the gold one, and not copy the problem."""

import random
from collections.abc import Iterator

from tasks import DataTask, Row, Split
from tasks._formulas.boxed import LONGEST, last_boxed
from tasks._formulas.earned import earned
from tasks._formulas.numbers import number
from tasks._formulas.spelling import plain
from tasks._formulas.symbolic import need, same, start
from tasks._formulas.units import asks_percent
from tasks.math._numeric import near

PROMPT = "{problem}\n\nThink step by step, and put the final answer in \\boxed{{}}."


class FormulaTask(DataTask):
    r"""Problems whose answer is the last \boxed{} of the reply. Rows carry a published solution, which has one."""

    domain = "math"
    revision = 2
    max_reply_tokens = 1024

    def stream(self, split: Split) -> Iterator[Row]:
        """UserError without mpmath: a run must not start that cannot be scored."""
        need()
        return super().stream(split)

    def verify(self, reply: str, row: Row) -> float:
        start()  # it takes a moment, in which the first replies may be settled without it
        answer = last_boxed(reply)
        if answer is None:
            return 0.0
        right = same(row.answer, answer, percent=False)
        if not right and "%" in plain(answer) and asks_percent(row.prompt):
            right = same(row.answer, answer, percent=True)
        return float(right and earned(row.answer, answer, row.prompt))

    def solution(self, row: Row) -> str:
        return str(row.facts["solution"])

    def slip(self, row: Row, rng: random.Random) -> str:
        replies = (rf"\boxed{{{wrong}}}" for wrong in _wrong(row.answer, rng))
        return next(reply for reply in replies if not self.verify(reply, row))


def usable(answer: str | None) -> bool:
    """Whether an answer can be compared: neither empty nor longer than a reply's may be."""
    return bool(answer and answer.strip()) and len(answer or "") <= LONGEST


def _wrong(answer: str, rng: random.Random) -> Iterator[str]:
    """Plausible wrong answers, the likeliest first: another number, one digit changed, a sign or a term too many."""
    value = number(plain(answer))
    if value is not None:
        yield near(value, rng)

    digits = [place for place, letter in enumerate(answer) if letter in "0123456789"]
    rng.shuffle(digits)
    for place in digits:
        other = rng.choice([digit for digit in "123456789" if digit != answer[place]])
        yield f"{answer[:place]}{other}{answer[place + 1 :]}"

    others = [f"-{answer}", f"{answer}+1", f"2({answer})", *"0123456789"]
    yield from rng.sample(others, len(others))
