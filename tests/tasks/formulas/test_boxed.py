r"""Answers in \boxed{}: which one counts."""

import pytest

from tasks._formulas.boxed import LONGEST, last_boxed

BOXES = [
    (r"so \boxed{5}.", "5"),
    (r"\boxed{1} no, \boxed{2}", "2"),
    (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
    (r"\boxed{ x }", "x"),
    (r"\boxed {7}", "7"),
    (r"\boxed 7$", "7"),
    (r"\fbox{7}", "7"),
    (r"\boxed{1} and \fbox{2}", "2"),
    (r"\boxed{\{1,2\}}", r"\{1,2\}"),
    (r"\boxed{a\}b}", r"a\}b"),
    (r"\boxed{a\\}", r"a\\"),
    (r"\boxed{\boxed{3}}", "3"),
    (r"\boxed{}", ""),
    (r"\boxed{" + "9" * LONGEST + "}", "9" * LONGEST),
]
NO_BOX = [
    "", "5", "boxed{5}", r"\boxed", r"\boxed{", r"\boxed{5", r"\boxed{1} or \boxed{5", r"\boxed{\}", r"\boxed{{5}",
    r"\boxed}", r"\boxed\frac12", r"\boxed{" + "9" * (LONGEST + 1) + "}", r"\boxed{" * 100_000, "\\" * 100_000,
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), BOXES)
def test_the_last_box_counts(text: str, answer: str) -> None:
    assert last_boxed(text) == answer
    assert last_boxed(f"{{ {text} $x$ }} and so on") == answer


@pytest.mark.parametrize("text", NO_BOX, ids=lambda text: ascii(text[:20]))
def test_what_is_no_box(text: str) -> None:
    assert last_boxed(text) is None
