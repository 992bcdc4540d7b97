"""Stands in for the metric `code_eval` of the package evaluate, which lm-eval's mbpp and humaneval load by name.

The same answers through the jail: a program that a model wrote does not run in this process, and does not
decide whether it passed. Usage, before those tasks are loaded:

    evaluate.load = lambda name, *args, **kwargs: SandboxCodeEval() if name == "code_eval" else load(name, ...)
"""

import math
from collections.abc import Sequence
from typing import Any

from bench.errors import UserError
from tasks._jail.programs import passes

SECONDS = 3.0
"""Processor time of one program, as the metric's default."""


class SandboxCodeEval:
    """`compute` as that metric has it; `num_workers` and `timeout` are taken and, but for `timeout`, not needed."""

    def compute(
        self,
        references: Sequence[str],
        predictions: Sequence[Sequence[str]],
        k: Sequence[int] = (1, 10, 100),
        num_workers: int = 1,
        timeout: float = SECONDS,
    ) -> tuple[dict[str, float], dict[int, list[tuple[int, dict[str, Any]]]]]:
        """pass@k over problems, and each program's outcome.

        references: the tests of each problem; predictions: the programs for each. Returns ({"pass@1": share, ...} for
        every k that no problem has fewer programs than, {problem: [(place, {"task_id", "passed", "result",
        "completion_id"}), ...]}). UserError if the two differ in length.
        """
        if len(references) != len(predictions):
            raise UserError(
                f"{len(references)} tests, {len(predictions)} lists of programs; give one list for each test."
            )
        results = {
            problem: [(place, _outcome(problem, place, program, tests, timeout)) for place, program in enumerate(each)]
            for problem, (tests, each) in enumerate(zip(references, predictions, strict=True))
        }
        counts = [(len(found), sum(result["passed"] for _, result in found)) for found in results.values()]
        scores = {
            f"pass@{size}": sum(pass_at(size, total, right) for total, right in counts) / len(counts)
            for size in k
            if counts and all(total >= size for total, _ in counts)
        }
        return scores, results


def _outcome(problem: int, place: int, program: str, tests: str, seconds: float) -> dict[str, Any]:
    passed = passes(program, tests, seconds=seconds)
    return {"task_id": problem, "passed": passed, "result": "passed" if passed else "failed", "completion_id": place}


def pass_at(size: int, total: int, right: int) -> float:
    """Chance that at least one of `size` programs drawn from `total` passes, `right` of which do (arXiv 2107.03374)."""
    return 1.0 - math.comb(total - right, size) / math.comb(total, size)
