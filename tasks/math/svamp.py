"""SVAMP (Patel et al. 2021, arXiv 2103.07191): one-step word problems, reworded so that their structure matters."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from tasks import Draft, Hub, OffSchema, Row
from tasks._formulas.arithmetic import NotArithmetic, compute
from tasks._formulas.numbers import number
from tasks.math._numeric import ASK, MARK, NumericTask, written

PROMPT = "{body} {question}\n" + ASK


class SVAMP(NumericTask):
    name = "svamp"
    summary = "Solve a short word problem; the number at the end of the reply counts."
    chance = 0.077  # the share of the most frequent answer, 2
    max_reply_tokens = 200
    hub = Hub(
        "ChilleD/SVAMP",
        "5e0bf1e5e7c0e9c4bc39180d224f41f3f801b7ef",
        {"train": "train+test", "heldout": "train+test"},
    )
    licence = "MIT"
    mirror = {"train": ("SVAMP.json",), "heldout": ("SVAMP.json",)}
    schema = {"Body": str, "Question": str, "Equation": str, "Answer": (float, str)}
    sizes = {"train": 875, "heldout": 125}
    note = (
        "The set was published in one file; the split is ours, by the prompt's hash, and not the 700/300 rows that "
        "the hub calls train and test."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        value = number(str(raw["Answer"]).strip())
        if value is None:
            raise OffSchema("Answer", "a number", raw["Answer"])
        prompt = PROMPT.format(body=raw["Body"].strip(), question=raw["Question"].strip())
        return Draft(prompt, written(value), {"step": step(raw["Equation"], value)})

    def solution(self, row: Row) -> str:
        return f"{row.facts['step']}{MARK} {row.answer}"


def step(equation: str, value: Fraction) -> str:
    """The published equation as a line of working, or '' where it is off: in one row it does not give the answer."""
    text = re.sub(r"\.0(?![0-9])", "", equation)
    text = text.replace("( ", "(").replace(" )", ")").strip()
    text = text[1:-1] if text[:1] == "(" else text  # published equations have brackets around the whole
    try:
        right = compute(text).value == value
    except NotArithmetic:
        return ""
    return f"{text} = {written(value)}\n" if right else ""
