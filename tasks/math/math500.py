"""MATH-500 (Lightman et al. 2023, arXiv 2305.20050): 500 problems of MATH's test split, for evaluation."""

from collections.abc import Mapping
from typing import Any, ClassVar

from tasks._base import Draft, Split
from tasks._data import Hub
from tasks._schema import Shape
from tasks.math._formula import PROMPT, FormulaTask


class Math500(FormulaTask):
    name: ClassVar[str] = "math500"
    summary: ClassVar[str] = "Solve one of 500 competition problems; the formula in the last box of the reply counts."
    chance: ClassVar[float] = 0.038  # the share of the most frequent answer, 3
    hub: ClassVar[Hub] = Hub("HuggingFaceH4/MATH-500", "6e4ed1a2a79af7d8630a6b768ec859cb5af4d3be", {"heldout": "test"})
    licence: ClassVar[str] = "MIT"
    mirror: ClassVar[Mapping[Split, tuple[str, ...]]] = {"heldout": ("test.jsonl",)}
    other_mirror: ClassVar[Mapping[Split, tuple[str, ...]]] = {"heldout": ("math500_test.json",)}
    schema: ClassVar[Mapping[str, Shape]] = {"problem": str, "solution": str, "answer": str}
    sizes: ClassVar[Mapping[Split, int]] = {"heldout": 500}
    note: ClassVar[str] = "For evaluation only: every row is also a held-out row of `math`."

    def draft(self, raw: Mapping[str, Any]) -> Draft:
        return Draft(PROMPT.format(problem=raw["problem"].strip()), raw["answer"], {"solution": raw["solution"]})
