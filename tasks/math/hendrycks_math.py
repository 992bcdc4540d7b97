"""MATH (Hendrycks et al. 2021, arXiv 2103.03874): competition problems with worked solutions, seven subjects."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks._base import Draft, Split
from tasks._data import Hub
from tasks._formulas.boxed import last_boxed
from tasks._schema import Shape
from tasks.math._formula import PROMPT, FormulaTask, usable


class Math(FormulaTask):
    name: ClassVar[str] = "math"
    summary: ClassVar[str] = "Solve a competition problem; the formula in the last box of the reply counts."
    chance: ClassVar[float] = 0.029  # the share of the most frequent answer, 2
    hub: ClassVar[Hub] = Hub(
        "DigitalLearningGmbH/MATH-lighteval",
        "0530c78699ea5e8eb5530600900e1f328b48acad",
        {"train": "train", "heldout": "test"},
    )
    licence: ClassVar[str] = "MIT"
    mirror: ClassVar[Mapping[Split, tuple[str, ...]]] = {"train": ("train.jsonl",), "heldout": ("test.jsonl",)}
    schema: ClassVar[Mapping[str, Shape]] = {"problem": str, "level": str, "type": str, "solution": str}
    sizes: ClassVar[Mapping[Split, int]] = {"train": 7500, "heldout": 5000}
    note: ClassVar[str] = "Two training rows, whose solutions have an empty box, are left out."

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        answer = last_boxed(raw["solution"])
        if answer is None or not usable(answer):
            return None
        return Draft(PROMPT.format(problem=raw["problem"].strip()), answer, {"solution": raw["solution"]})
