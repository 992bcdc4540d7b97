"""MATH-500 (Lightman et al. 2023, arXiv 2305.20050): 500 problems of MATH's test split, for evaluation."""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub
from tasks.math._formula import PROMPT, FormulaTask


class Math500(FormulaTask):
    name = "math500"
    summary = "Solve one of 500 competition problems; the formula in the last box of the reply counts."
    chance = 0.038  # the share of the most frequent answer, 3
    hub = Hub("HuggingFaceH4/MATH-500", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be", {"heldout": "test"})
    licence = "MIT"
    mirror = {"heldout": ("test.jsonl",)}
    other_mirror = {"heldout": ("math500_test.json",)}
    schema = {"problem": str, "solution": str, "answer": str}
    sizes = {"heldout": 500}
    note = "For evaluation only: every row is also a held-out row of `math`."

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return Draft(PROMPT.format(problem=raw["problem"].strip()), raw["answer"], {"solution": raw["solution"]})
