"""The stand-in for the metric that lm-eval's own code tasks load by name."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from tasks._code_eval import SandboxCodeEval, pass_at

ADD = "assert add(2, 3)==5"


def test_lm_eval_s_own_check_of_the_metric() -> None:
    """What its mbpp and humaneval modules compute when they are imported."""
    scores, results = SandboxCodeEval().compute(references=[ADD], predictions=[["def add(a,b): return a*b"]], k=[1])
    assert scores == {"pass@1": 0.0}
    assert results == {0: [(0, {"task_id": 0, "passed": False, "result": "failed", "completion_id": 0})]}


def test_several_programs_for_several_problems() -> None:
    right, wrong = "def add(a, b): return a + b", "def add(a, b):\n  import os\n  os._exit(0)"
    scores, results = SandboxCodeEval().compute(
        [ADD, "assert add(1, 1) == 2"], [[right, wrong], [wrong, wrong]], [1, 2, 9]
    )
    assert scores == {"pass@1": 0.25, "pass@2": 0.5}
    assert [[result["passed"] for _, result in results[problem]] for problem in (0, 1)] == [
        [True, False],
        [False, False],
    ]


def test_nothing_to_judge() -> None:
    assert SandboxCodeEval().compute([], []) == ({}, {})
    with pytest.raises(UserError, match="1 tests, 0 lists"):
        SandboxCodeEval().compute([ADD], [])


@pytest.mark.parametrize(
    ("size", "total", "right", "chance"), [(1, 4, 1, 0.25), (2, 4, 1, 0.5), (2, 4, 3, 1.0), (3, 3, 0, 0.0)]
)
def test_pass_at_k(size: int, total: int, right: int, chance: float) -> None:
    """Two of four, one right: 1 - C(3,2)/C(4,2) = 1 - 3/6."""
    assert pass_at(size, total, right) == pytest.approx(chance)


def mbpp(root: Path) -> Iterator[tuple[str, str]]:
    """References and right programs as lm-eval's mbpp gives them: three assertions, no setup."""
    for line in (root / "mbpp" / "mbpp.jsonl").read_text().splitlines():
        row = json.loads(line)
        if 11 <= row["task_id"] <= 510:
            yield "\n".join(row["test_list"]), row["code"]


def humaneval(root: Path) -> Iterator[tuple[str, str]]:
    """Likewise of its humaneval: the program is prompt and completion."""
    path = next((root / "humaneval").glob("HumanEval.jsonl*"))
    text = gzip.decompress(path.read_bytes()).decode() if path.suffix == ".gz" else path.read_text()
    for row in map(json.loads, text.splitlines()):
        yield f"{row['test']}\ncheck({row['entry_point']})", row["prompt"] + row["canonical_solution"]


def judged(pairs: Any) -> tuple[int, int]:
    references, programs = zip(*pairs, strict=True)
    _, results = SandboxCodeEval().compute(references, [[program] for program in programs], [1])
    return sum(found[0][1]["passed"] for found in results.values()), len(results)


@pytest.mark.slow
def test_right_programs_of_lm_eval_s_tasks(real_data: Path) -> None:
    """Two problems of MBPP need a setup that its lm-eval task does not give; one of them is in its test split."""
    if not (real_data / "mbpp").is_dir() or not (real_data / "humaneval").is_dir():
        pytest.skip("no real copies of these sets are at hand")
    assert judged(humaneval(real_data)) == (164, 164)
    assert judged(mbpp(real_data)) == (499, 500)


def test_right_programs_in_the_form_of_lm_eval_s_tasks(some_data: Path) -> None:
    for pairs in (list(humaneval(some_data))[:8], [pair for pair in mbpp(some_data) if "tree" not in pair[0]][:8]):
        assert judged(pairs) == (len(pairs), len(pairs))
