"""GSM8K and SVAMP: how a reply is read, what a row says, and the real rows."""

import json
import time
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tasks import DataTask, OffSchema, Row
from tasks._data import load
from tasks._registry import get_task
from tasks.math._numeric import answer_of, written
from tasks.math.svamp import step

REPLIES = [
    (r"\boxed{72}", 72),
    (r"first 5, then \boxed{1,080} clips", 1080),
    (r"\boxed{\$32.50}", Fraction(65, 2)),
    (r"\boxed{x = 72}", 72),
    (r"\boxed{72 clips}", 72),
    (r"\boxed{72\text{ clips}}", 72),
    (r"\boxed{50\%}", 50),
    (r"\boxed{24 + 48}", None),  # a sum that is not done is no answer
    (r"\boxed{7} #### 8", 7),  # the box is the plainest sign of an answer
    ("#### 72", 72),
    ("#### 72 clips", 72),
    ("#### $1,080.00", 1080),
    ("#### -$5", -5),
    ("####\n72", 72),
    ("#### 7\n#### 8", 8),
    ("#### 72\n\nQuestion: what is 5 + 5?", 72),
    ("#### 7 or 8", None),
    ("#### none", None),
    ("So it is 72.", 72),
    ("24 + 48 = 72 clips", 72),
    ("the answer is **72**", 72),
    ("seventy-two", None),
    ("", None),
    ("#### **$1,080**", 1080),
    ("#### 9 * 2 = 18", 18),
    ("#### 9 * 2 = 19", None),
    ("#### 60 m^2", 60),
    ("#### 1e3", 1000),
    ("#### 4 1/2", Fraction(9, 2)),
    ("#### $1 million", 10**6),
    ("#### not 7", None),
    ("#### 1 5", None),
    ("#### ~72", None),  # "about" in a line of text, a space in LaTeX
    (r"\boxed{7~clips}", 7),
    (r"\boxed{\text{The answer is 460}}", 460),
    (r"\boxed{x \neq 7}", None),
    (r"\boxed{7 \text{ thousand}}", 7000),
    (r"\boxed{9 \times 2 = 18}", 18),
]


@pytest.mark.parametrize(("reply", "value"), REPLIES)
def test_the_answer_of_a_reply(reply: str, value: Fraction | None) -> None:
    assert answer_of(reply) == value


@pytest.mark.parametrize(
    ("question", "solution", "verdict"),
    [
        ("What percentage is left?", "", 1.0),
        ("What are his chances?", "So it is 7%.", 1.0),
        ("How many are left?", "", 0.0),
    ],
)
def test_per_cent_is_the_unit_where_the_question_or_its_solution_says_so(
    question: str, solution: str, verdict: float
) -> None:
    row = Row("gsm8k", "train", 0, question, "7", {"solution": solution})
    assert get_task("gsm8k").verify("#### 7%", row) == verdict
    assert get_task("gsm8k").verify("#### 7", row) == 1.0


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(5), "5"),
        (Fraction(-3), "-3"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3), "1/3"),
        (Fraction(10**9), "1000000000"),
    ],
)
def test_numbers_are_written_without_loss(value: Fraction, text: str) -> None:
    assert written(value) == text


def draft(name: str, **raw: Any) -> tuple[str, str, dict[str, Any]]:
    task = get_task(name)
    assert isinstance(task, DataTask)
    made = task.draft(raw)
    assert made is not None
    return made.prompt, made.answer, dict(made.facts)


def test_a_published_gsm8k_row_becomes_ours() -> None:
    prompt, answer, facts = draft("gsm8k", question="How many? ", answer="2*540 = <<2*540=1080>>1080\n#### 1,080")
    assert prompt == 'How many?\nThink step by step, and end with "#### " and the number.'
    assert answer == "1080"
    assert facts == {"solution": "2*540 = 1080\n#### 1,080"}


@pytest.mark.parametrize("answer", ["72", "#### ", "#### many", ""])
def test_a_gsm8k_row_without_its_answer_is_refused(answer: str) -> None:
    with pytest.raises(OffSchema, match="'answer' should be a solution that ends in"):
        draft("gsm8k", question="How many?", answer=answer)


@pytest.mark.parametrize("answer", [2.5, "2.5"])  # the file has numbers, the hub text
def test_a_published_svamp_row_becomes_ours(answer: object) -> None:
    row = draft("svamp", Body="Body.", Question="Long?", Equation="( 15.0 / 6.0 )", Answer=answer)
    assert row[0].startswith("Body. Long?\n")
    assert row[1:] == ("2.5", {"step": "15 / 6 = 2.5\n"})


def test_an_equation_that_is_off_is_not_taught() -> None:
    """One published equation does not give its answer."""
    assert step("( ( 4.0 - 2.0 ) + 3.0 )", Fraction(5)) == "(4 - 2) + 3 = 5\n"
    assert step("( ( 4.0 - 2.0 ) + 3.0 )", Fraction(1)) == ""
    assert step("( 4.0 -", Fraction(1)) == ""


def test_every_published_gsm8k_solution_scores_one(real_data: Path) -> None:
    """The published text itself, calculator annotations included."""
    task = get_task("gsm8k")
    files = [real_data / "gsm8k" / f"{name}.jsonl" for name in ("train", "test")]
    if not all(file.is_file() for file in files):
        pytest.skip("no real copy of GSM8K is at hand")
    raw = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    rows = [draft("gsm8k", **one) for one in raw]
    scores = [
        task.verify(one["answer"], Row("gsm8k", "train", 0, prompt, answer, facts))
        for one, (prompt, answer, facts) in zip(raw, rows, strict=True)
    ]
    assert (len(scores), sum(scores)) == (8792, 8792)


def test_verification_is_fast(hand_written: Path) -> None:
    """Some 100,000 replies a second; a fifth of that is asked for, as the machine may be busy."""
    task = get_task("gsm8k")
    assert isinstance(task, DataTask)
    row = load(task, hand_written)["heldout"][0]
    replies = [f"First {n} and then {n + 1}, which makes {2 * n}.\n#### {n}" for n in range(20_000)]
    begin = time.process_time()
    for reply in replies:
        task.verify(reply, row)
    assert time.process_time() - begin < 1
