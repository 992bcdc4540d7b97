"""DeepScaleR-Preview (Agentica, 2025): 40,315 problems of AIME, AMC, Omni-MATH and STILL for training by RL."""

from collections.abc import Mapping
from typing import Any

from tasks import Draft, Hub
from tasks._formulas.boxed import last_boxed
from tasks._formulas.settled import settled
from tasks.math._formula import PROMPT, FormulaTask, usable


class DeepScaleR(FormulaTask):
    name = "deepscaler"
    summary = "Solve a competition problem; the formula in the last box of the reply counts."
    chance = 0.03  # assumed to be as in `math`: the most frequent answer is a small number
    hub = Hub(
        "agentica-org/DeepScaleR-Preview-Dataset",
        "b6ae8c60f5c1f2b594e2140b91c49c9ad0949e29",
        {"train": "train", "heldout": "train"},
    )
    licence = "MIT"
    mirror = {"train": ("deepscaler.json",), "heldout": ("deepscaler.json",)}
    schema = {"problem": str, "answer": str, "solution": (str, type(None))}
    sizes = {"train": 40315}
    note = (
        "Published for training only; one prompt in eight is held out, by its hash. The project's tests have rows of "
        "the published form, but not the published rows. Overlap with other sets, MATH's test split among them, is "
        "not checked here."
    )

    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        if not usable(raw["answer"]):
            return None
        answer, solution = raw["answer"].strip(), (raw["solution"] or "").strip()
        if not settled(answer, last_boxed(solution) or ""):
            solution = f"{solution}\n\nThe answer is $\\boxed{{{answer}}}$.".lstrip()
        return Draft(PROMPT.format(problem=raw["problem"].strip()), answer, {"solution": solution})
