"""MATH (Hendrycks et al. 2021, arXiv 2103.03874): competition problems with worked solutions, seven subjects."""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub
from tasks._formulas.boxed import last_boxed
from tasks.math._formula import PROMPT, FormulaTask, usable


class Math(FormulaTask):
    name = "math"
    summary = "Solve a competition problem; the formula in the last box of the reply counts."
    chance = 0.029  # the share of the most frequent answer, 2
    hub = Hub(
        "DigitalLearningGmbH/MATH-lighteval",
        "0530c78699ea5e8eb5530600900e1f328b48acad",
        {"train": "train", "heldout": "test"},
    )
    licence = "MIT"
    mirror = {"train": ("train.jsonl",), "heldout": ("test.jsonl",)}
    schema = {"problem": str, "level": str, "type": str, "solution": str}
    sizes = {"train": 7500, "heldout": 5000}
    note = "Two training rows, whose solutions have an empty box, are left out."

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        answer = last_boxed(raw["solution"])
        if answer is None or not usable(answer):
            return None
        return Draft(PROMPT.format(problem=raw["problem"].strip()), answer, {"solution": raw["solution"]})
