"""GSM8K (Cobbe et al. 2021, arXiv 2110.14168): grade-school word problems with worked solutions."""

import re
from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub, OffSchema, Row
from tasks._formulas.numbers import number
from tasks.math._numeric import ASK, MARK, NumericTask, written

PROMPT = "{question}\n" + ASK
_CALCULATOR = re.compile("<<[^<>]*>>")


class GSM8K(NumericTask):
    name = "gsm8k"
    summary = "Solve a grade-school word problem; the number at the end of the reply counts."
    chance = 0.030  # the share of the most frequent answer, 5
    hub = Hub(
        "openai/gsm8k",
        "740312add88f781978c0658806c59bc2815b9866",
        {"train": "train", "heldout": "test"},
        config="main",
    )
    licence = "MIT"
    mirror = {"train": ("train.jsonl",), "heldout": ("test.jsonl",)}
    schema = {"question": str, "answer": str}
    sizes = {"train": 7473, "heldout": 1319}

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        value = number(raw["answer"].rpartition(MARK)[2].strip()) if MARK in raw["answer"] else None
        if value is None:
            raise OffSchema("answer", f"a solution that ends in '{MARK} NUMBER'", raw["answer"])
        solution = _CALCULATOR.sub("", raw["answer"])
        return Draft(PROMPT.format(question=raw["question"].strip()), written(value), {"solution": solution})

    def solution(self, row: Row) -> str:
        return str(row.facts["solution"])
