"""MATH, MATH-500 and DeepScaleR: what a row says, which replies count, and the real rows."""

import random
import re
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from bench.errors import UserError
from tasks import DataTask, Draft, Row
from tasks._data import load
from tasks._formulas import symbolic
from tasks._formulas.boxed import last_boxed
from tasks._formulas.lexer import Unreadable
from tasks._formulas.reader import read
from tasks._formulas.settled import word_of
from tasks._formulas.spelling import plain
from tasks._formulas.symbolic import same
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
    ("7", r"\boxed{7\%}", 0.0),
    (r"7\%", r"\boxed{7}", 1.0),
    ("0.07", r"\boxed{7\%}", 1.0),
]


@pytest.mark.parametrize(("answer", "reply", "verdict"), VERDICTS)
def test_what_counts_as_right(answer: str, reply: str, verdict: float) -> None:
    assert task_of("math").verify(reply, row_of(answer)) == verdict


def test_a_per_cent_sign_is_a_unit_where_the_question_asks_for_a_percentage() -> None:
    for question, verdict in (("What percent are red?", 1.0), ("Of 60 percent, how many are red?", 0.0)):
        row = Row("math", "train", 0, question, "7", {})
        assert task_of("math").verify(r"\boxed{7\%}", row) == verdict


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


def test_without_mpmath_no_rows_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run must not begin that cannot be scored."""
    monkeypatch.setattr(symbolic.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(UserError, match=r"need mpmath.*pip install"):
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


def test_golds_that_cannot_be_read_are_words_and_bases(real_data: Path) -> None:
    """Any other answer is compared by its value; these by spelling alone."""
    rows = [row for rows in real("math", real_data).values() for row in rows]
    unread = {row.answer for row in rows if not readable(plain(row.answer))}
    odd = {gold for gold in unread if word_of(plain(gold)) is None and not re.fullmatch(r"[-0-9A-Z.]+_.*", gold)}
    assert odd == {r"\frac{1}{7}\triangle ABC", r"\overline{CD}", r"\text{A5}_{11}"}


def readable(answer: str) -> bool:
    try:
        return bool(read(answer))
    except Unreadable:
        return False


@pytest.mark.slow
def test_math_verify_agrees(real_data: Path) -> None:
    """On 1,200 wrong answers near the right ones: an independent opinion, by sympy."""
    other = pytest.importorskip("math_verify")
    rng = random.Random(0)
    for row in real("math", real_data)["heldout"][:600]:
        for wrong in islice(_wrong(row.answer, rng), 2):
            gold, answer = (other.parse(rf"\boxed{{{text}}}", parsing_timeout=None) for text in (row.answer, wrong))
            assert same(row.answer, wrong) == bool(other.verify(gold, answer, timeout_seconds=None)), (
                row.answer,
                wrong,
            )
