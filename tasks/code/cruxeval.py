"""CRUXEval-O (Gu et al. 2024, arXiv 2401.03065): what does this function return for this input?

The reply's literal is read, never run, and compared with the published output as Python compares values.
"""

import random
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from tasks import DataTask, Draft, Hub, OffSchema, Row
from tasks.code._literal import LONGEST, NoLiteralError, literal

PROMPT = (
    "```python\n{code}\n```\n\nWhat does f({input}) return? Reason if you like, and end with one line: "
    '"Answer: " and the value as a Python literal.'
)
MARK = "answer:"
MARKUP = "*_` \t\r"
"""What may stand around a literal, and begins and ends none."""


class CRUXEval(DataTask):
    name = "cruxeval"
    domain = "code"
    revision = 2
    summary = "Say what a Python function returns for an input; the literal at the end counts."
    chance = 29 / 800  # the share of the most frequent output, False
    max_reply_tokens = 256
    hub = Hub(
        "cruxeval-org/cruxeval",
        "b96af0450242eb4da433032b90998f25588a5d0f",
        {"train": "test", "heldout": "test"},
    )
    licence = "MIT"
    mirror = {"train": ("cruxeval.jsonl",), "heldout": ("cruxeval.jsonl",)}
    other_mirror = {"train": ("test.jsonl",), "heldout": ("test.jsonl",)}
    schema = {"code": str, "input": str, "output": str, "id": str}
    sizes = {"train": 707, "heldout": 93}
    note = (
        "The set is published as 800 test rows; the prompt's hash makes two splits of it, so a held-out score is "
        "over an eighth of the set."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        try:
            literal(raw["output"])
        except NoLiteralError:
            raise OffSchema("output", "a Python literal", raw["output"]) from None
        prompt = PROMPT.format(code=raw["code"].strip(), input=raw["input"])
        return Draft(prompt, raw["output"])

    def solution(self, row: Row) -> str:
        return f"Answer: {row.answer}"

    def verify(self, reply: str, row: Row) -> float:
        try:
            return float(bool(literal(answer_of(reply)) == _gold(row.answer)))
        except NoLiteralError:
            return 0.0

    def slip(self, row: Row, rng: random.Random) -> str:
        value = literal(row.answer)
        return f"Answer: {rng.choice([wrong for wrong in near(value) if wrong != value])!r}"


@lru_cache(maxsize=2**10)
def _gold(answer: str) -> Any:
    """The value of a row's answer, which is compared and never changed."""
    return literal(answer)


def answer_of(reply: str) -> str:
    """What follows the last "Answer:" of a reply, or else its last line; without markup around it."""
    tail = reply[-LONGEST:]
    place = tail.lower().rfind(MARK)
    lines = (tail[place + len(MARK) :] if place >= 0 else tail).split("\n")
    written = (line for line in (lines if place >= 0 else lines[::-1]) if line.strip(MARKUP) and not _is_fence(line))
    line = next(written, "").strip(MARKUP)
    return line[:-1].rstrip(MARKUP) if line.endswith(".") and not line[-2:-1].isdigit() else line


def _is_fence(line: str) -> bool:
    return line.lstrip().startswith("```")


def near(value: Any) -> list[Any]:
    """Values of the same type that a careless reader might give."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int | float):
        return [value + 1, value - 1, -value, value * 10]
    if isinstance(value, dict):
        items = list(value.items())
        return [dict(items[1:]), dict(items[:-1]), {**value, "": 0}, {**value, 0: ""}, {}]

    if isinstance(value, str | bytes | list | tuple):
        more: Any = {str: "x", bytes: b"x", list: [0], tuple: (0,)}[type(value)]
        return [value[1:], value[:-1], value[::-1], value * 2, value + more, more]
    return [None, 0]
