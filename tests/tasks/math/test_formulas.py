"""MATH, MATH-500 and DeepScaleR: what a row says, which replies count, and the real rows."""

import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from tasks import DataTask, Draft, Row
from tasks._data import load
from tasks._formulas import symbolic
from tasks._formulas.boxed import last_boxed, settled
from tasks._formulas.symbolic import equal
from tasks._registry import get_task
from tasks.math._formula import _wrong


def task_of(name: str) -> DataTask:
    task = get_task(name)
    assert isinstance(task, DataTask)
    return task


def row_of(answer: str) -> Row:
    return Row("math", "train", 0, "p", answer, {"solution": rf"\boxed{{{answer}}}"})


VERDICTS = [
    (r"\frac{1}{2}", r"It is $\boxed{\dfrac12}$.", 1.0),
    (r"\frac{1}{2}", r"\boxed{1} \boxed{0.5}", 1.0),
    (r"\frac{1}{2}", r"\boxed{0.5} \boxed{1}", 0.0),
    (r"\frac{1}{2}", "0.5", 0.0),  # the prompt asks for a box
    (r"\frac{1}{2}", r"\boxed{\frac{1}{2}", 0.0),
    (r"5\sqrt{2}", r"\boxed{\sqrt{50}}", 1.0),
    (r"5\sqrt{2}", r"\boxed{\sqrt{51}}", 0.0),
    (r"\text{Wednesday}", r"\boxed{\text{Wednesday}}", 1.0),
    (r"\text{Wednesday}", r"\boxed{wednesday}", 1.0),
    (r"\text{Wednesday}", r"\boxed{\text{Monday}}", 0.0),
    ("(-2,2)", r"\boxed{(-2, 2)}", 1.0),
    ("(-2,2)", r"\boxed{[-2, 2]}", 0.0),
]


@pytest.mark.parametrize(("answer", "reply", "verdict"), VERDICTS)
def test_what_counts_as_right(answer: str, reply: str, verdict: float) -> None:
    assert task_of("math").verify(reply, row_of(answer)) == verdict


def draft(name: str, **raw: Any) -> Draft | None:
    return task_of(name).draft(raw)


def test_a_published_math_row_becomes_ours() -> None:
    solution = r"Halve it: $\boxed{\frac12}$."
    made = draft("math", problem=" What is $1/2$? ", level="Level 1", type="Algebra", solution=solution)
    assert made is not None
    assert made.prompt == "What is $1/2$?\n\nThink step by step, and put the final answer in \\boxed{}."
    assert (made.answer, made.facts) == (r"\frac12", {"solution": solution})


@pytest.mark.parametrize("solution", [r"There are $\boxed{}$.", "There are 5."])
def test_a_math_row_without_an_answer_is_left_out(solution: str) -> None:
    assert draft("math", problem="?", level="Level 1", type="Algebra", solution=solution) is None


@pytest.mark.parametrize(
    ("solution", "text"),
    [
        (r"So $\boxed{\frac14}$.", r"So $\boxed{\frac14}$."),
        ("So a quarter.", "So a quarter.\n\nThe answer is $\\boxed{\\frac{1}{4}}$."),
        (r"So $\boxed{\text{(B)}}$.", "So $\\boxed{\\text{(B)}}$.\n\nThe answer is $\\boxed{\\frac{1}{4}}$."),
        ("", r"The answer is $\boxed{\frac{1}{4}}$."),
        (None, r"The answer is $\boxed{\frac{1}{4}}$."),
    ],
)
def test_a_deepscaler_solution_ends_in_its_answer(solution: str | None, text: str) -> None:
    """Some published solutions have no box, or the letter of an option in it."""
    made = draft("deepscaler", problem="?", answer=r" \frac{1}{4} ", solution=solution)
    assert made is not None
    assert (made.answer, made.facts) == (r"\frac{1}{4}", {"solution": text})


@pytest.mark.parametrize("answer", ["", " ", "9" * 301])
def test_a_deepscaler_row_without_a_usable_answer_is_left_out(answer: str) -> None:
    assert draft("deepscaler", problem="?", answer=answer, solution="") is None


GOLDS = [r"\frac{1}{2}", "0", r"\infty", r"\text{odd}", "x", "(1,2)", r"\pm 2", "-1", "y = 2x", r"90^\circ", "A"]


@pytest.mark.parametrize("gold", GOLDS)
def test_slips_are_wrong_and_differ_whatever_the_answer(gold: str) -> None:
    task, row, rng = task_of("math"), row_of(gold), random.Random(0)
    slips = [task.slip(row, rng) for _ in range(20)]
    assert len(set(slips)) > 2
    assert {task.verify(slip, row) for slip in slips} == {0.0}
    assert all(last_boxed(slip) for slip in slips)


def test_without_math_verify_no_rows_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run must not begin that cannot be scored."""
    monkeypatch.setattr(symbolic.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"need math-verify.*pip install"):
        task_of("math").rows("heldout", 1)


def real(name: str, root: Path) -> dict[Any, tuple[Row, ...]]:
    if not (root / name).is_dir():
        pytest.skip(f"no real copy of {name} is at hand")
    return load(task_of(name), root)


def test_every_published_solution_of_math_scores_one(real_data: Path) -> None:
    """Two training rows have an empty box, and one occurs twice."""
    found = real("math", real_data)
    assert {split: len(rows) for split, rows in found.items()} == {"train": 7497, "heldout": 5000}
    task = task_of("math")
    assert all(task.verify(row.facts["solution"], row) == 1.0 for rows in found.values() for row in rows)


def test_every_answer_and_solution_of_math500_scores_one(real_data: Path) -> None:
    rows, task = real("math500", real_data)["heldout"], task_of("math500")
    assert len(rows) == 500
    assert all(task.verify(rf"\boxed{{{row.answer}}}", row) == 1.0 for row in rows)
    assert all(task.verify(row.facts["solution"], row) == 1.0 for row in rows)


def test_math500_is_held_out_of_math(real_data: Path) -> None:
    math, prompts = real("math", real_data), {row.prompt for row in real("math500", real_data)["heldout"]}
    assert not prompts & {row.prompt for row in math["train"]}
    assert len(prompts & {row.prompt for row in math["heldout"]}) == 500


@pytest.mark.slow
def test_spelling_and_math_verify_agree(real_data: Path) -> None:
    """On wrong answers near the right ones of 600 held-out problems, wherever spelling decides.

    Answers in a base are left out: math-verify overlooks a wrong base, spelling does not.
    """
    rng, settled_pairs = random.Random(0), 0
    for row in real("math", real_data)["heldout"][:600]:
        for wrong in islice(_wrong(row.answer, rng), 2):
            verdict = settled(row.answer, wrong)
            settled_pairs += verdict is not None
            if verdict is not None and "_" not in row.answer:
                assert equal(row.answer, wrong) == verdict, (row.answer, wrong)
    assert settled_pairs > 500


@pytest.mark.slow
def test_every_answer_of_math500_equals_itself_by_math_verify_alone(real_data: Path) -> None:
    assert all(equal(row.answer, f"{row.answer} ") for row in real("math500", real_data)["heldout"])
