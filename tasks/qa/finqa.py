"""FinQA (Chen et al., arXiv 2109.00122): a page of a company's report, and a question that takes arithmetic on it.

The paper's execution accuracy compares the result of a predicted program with the gold result `exe_ans`, both rounded
to five decimals. Replies here are numbers as people write them, so they are compared with `exe_ans` at the precision
they are written in: a number counts if it is `exe_ans` rounded to its own decimals and no more than 1 % off. A
percentage counts as itself or as its hundredth (`exe_ans` has both forms); a bare number too, where the annotators'
answer is a percentage.
"""

import random
import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from tasks import DataTask, Draft, Hub, Row
from tasks._choice import copied, final_answer

PROMPT = """{before}

{table}

{after}

Question: {question}

Reason if you like, and end with "Answer: " and a number (a percentage with its % sign), or yes or no."""
NUMBER = re.compile(
    r"([-+\u2212\u2013]?)\$? ?([-\u2212\u2013]?)"
    r"((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})?(?:\.([0-9]{1,10}))?)(?<=[0-9]) ?"
    r"(?:(%|percent|per cent)|(thousand|million|billion))?(?: dollars| usd)?",
    re.ASCII,
)
"""Two signs (one of them behind a dollar sign), digits, decimals, a per cent sign or a multiplier."""
MULTIPLIERS = {"thousand": 1e3, "million": 1e6, "billion": 1e9}
ROUNDED = 1e-5
"""`exe_ans` has five decimals."""
TOLERANCE = 0.01
"""Largest relative error of a rounded reply."""


class FinQA(DataTask):
    name = "finqa"
    domain = "qa"
    revision = 2
    summary = "Calculate an answer from a page of a financial report; the rounded number counts."
    chance = 0.01  # about one question in fifty is answered by yes or no
    max_reply_tokens = 512
    hub = Hub(
        "rootsautomation/FinQA",
        "none: the full commit of this copy of the release could not be confirmed",
        {"train": "train", "heldout": "test"},
    )
    licence = "MIT"
    mirror = {"train": ("train.json",), "heldout": ("test.json",)}
    schema = {
        "pre_text": [str],
        "post_text": [str],
        "table": [[str]],
        "question": str,
        "answer": (str, float, type(None)),
        "exe_ans": (str, float),
    }
    mirror_schema = {
        "pre_text": [str],
        "post_text": [str],
        "table": [[str]],
        "qa": {"question": str, "answer": (str, float, type(None)), "exe_ans": (str, float)},
    }
    sizes = {"train": 6251, "heldout": 1147}
    note = (
        "The 883 published dev rows are not used. Rows whose exe_ans is neither a number nor yes or no are left out. "
        "Tested on rows written by hand in the published form."
    )

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        return {**raw, **{name: raw["qa"][name] for name in ("question", "answer", "exe_ans")}}

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        gold = _gold(str(raw["exe_ans"]).strip().lower())
        if gold is None:
            return None
        prompt = PROMPT.format(
            before="\n".join(raw["pre_text"]),
            table="\n".join(" | ".join(cells) for cells in raw["table"]),
            after="\n".join(raw["post_text"]),
            question=raw["question"],
        )
        return Draft(prompt, gold, {"percentage": "%" in str(raw["answer"])})

    def verify(self, reply: str, row: Row) -> float:
        answer = final_answer(reply).lower()
        if row.answer in ("yes", "no"):
            return float(answer == row.answer)

        gold = float(row.answer)
        found = readings(answer, row.facts["percentage"], row.prompt)
        return float(any(_same(value, unit, gold) for value, unit in found) and not copied(reply, row.prompt))

    def slip(self, row: Row, rng: random.Random) -> str:
        if row.answer in ("yes", "no"):
            return f"Answer: {'no' if row.answer == 'yes' else 'yes'}"

        gold = float(row.answer)
        wrong = [*(gold * factor for factor in (-1, 0.5, 0.9, 1.1, 2, 10)), gold + 1, gold - 1]
        replies = [f"Answer: {value:.5f}".rstrip("0").rstrip(".") for value in wrong]
        return rng.choice([reply for reply in replies if not self.verify(reply, row)])

    def solution(self, row: Row) -> str:
        return f"Answer: {row.answer}"


def readings(answer: str, percentage: bool, page: str = "") -> Iterator[tuple[float, float]]:
    """The values that an answer may mean, each with the unit of its last written place; none if it is no number.

    percentage: the question asks for one, so that a bare number may be one. page: where it speaks of millions, so
    may its numbers without saying so, and '5 million' may mean 5.
    """
    form = NUMBER.fullmatch(answer)
    if form is None or (form[1] and form[2]):
        return

    value = float(form[3].replace(",", ""))
    value = -value if {form[1], form[2]} - {"", "+"} else value
    unit = 10.0 ** -len(form[4] or "")

    multiplier = form[6]
    if not multiplier or multiplier in page:
        yield value, unit
    if multiplier:
        yield value * MULTIPLIERS[multiplier], unit * MULTIPLIERS[multiplier]
    if form[5] or (percentage and not multiplier):
        yield value / 100, unit / 100


def _same(value: float, unit: float, gold: float) -> bool:
    """Whether `value`, written to `unit`, is `gold` rounded."""
    error = abs(value - gold)
    return error <= ROUNDED or error <= min(unit / 2 * (1 + 1e-9), TOLERANCE * abs(gold))


def _gold(text: str) -> str | None:
    """`exe_ans` as a reply would write it: yes, no, or a decimal number; None if it is neither."""
    if text in ("yes", "no"):
        return text
    try:
        written = format(Decimal(repr(float(text))), "f").removesuffix(".0")
    except ValueError:
        return None
    return written if NUMBER.fullmatch(written) else None
