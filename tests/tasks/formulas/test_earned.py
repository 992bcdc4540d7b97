r"""A right formula that only repeats the problem, or leaves undone what it asks for, is no answer."""

import pytest

from tasks._formulas.earned import earned, expressions
from tasks._formulas.reader import read
from tasks._formulas.shapes import reducible, shape, undone
from tasks._formulas.spelling import plain

SIMPLIFY = "Simplify $4(3r^3+5r-6)-6(2r^3-r^2+4r)$."
EARNED = [
    # problem, gold, answer
    (SIMPLIFY, "6r^2-4r-24", "6r^2-4r-24"),
    (SIMPLIFY, "6r^2-4r-24", "-24-4r+6r^2"),
    (SIMPLIFY, "6r^2-4r-24", "2(3r^2-2r-12)"),
    ("What is $x$ if $x=5$?", "5", "x=5"),  # literally the answer
    ("Compute $2+3$.", "5", "2+3=5"),
    ("How many orders are there?", "120", "5!"),  # nothing asks to compute it
    ("Which is larger, $2^{10}$ or $1000$?", "2^{10}", "2^{10}"),
    ("Simplify $\\sqrt{50}$.", r"5\sqrt{2}", r"5\sqrt2"),
    ("Compute $2^{2005} + 0$.", "2^{2005}", "2^{2005}"),  # the gold answer leaves it, too
    ("What is the colour?", r"\text{red}", "red"),
    ("Write $\\{1,2\\}$.", "1,2", r"\{1,2\}"),
]
NOT_EARNED = [
    (SIMPLIFY, "6r^2-4r-24", "4(3r^3+5r-6)-6(2r^3-r^2+4r)"),
    (SIMPLIFY, "6r^2-4r-24", "-6(2r^3-r^2+4r)+4(3r^3+5r-6)"),
    (SIMPLIFY, "6r^2-4r-24", r"\frac{4(3r^3+5r-6)-6(2r^3-r^2+4r)}{1}"),
    (SIMPLIFY, "6r^2-4r-24", "12r^3+20r-24-12r^3+6r^2-24r"),
    ("What is $2 + 3$?", "5", "3+2"),
    ("What is 2 + 3 * 4?", "14", "2+3*4"),
    ("Find the sum of \\[\\frac{1}{2} + \\frac{1}{3}.\\]", r"\frac{5}{6}", r"\frac12+\frac13"),
    ("Let $a = 2^5 = b$.", "32", "2^5"),
    ("Express $0.5$ as a fraction.", r"\frac{1}{2}", "0.5"),
    ("Compute the number.", "120", "5!"),
    ("Simplify the fraction.", r"\frac{3}{4}", r"\frac{6}{8}"),
    ("Expand it.", "x^2+3x+2", "(x+1)(x+2)"),
    ("Factor it.", "(x-3)(x+3)", "x^2-9"),
    ("Find the value of the root.", r"5\sqrt{2}", r"\sqrt{50}"),
]


@pytest.mark.parametrize(("problem", "gold", "answer"), EARNED)
def test_an_answer_of_one_s_own(problem: str, gold: str, answer: str) -> None:
    assert earned(gold, answer, problem)


@pytest.mark.parametrize(("problem", "gold", "answer"), NOT_EARNED)
def test_the_question_again(problem: str, gold: str, answer: str) -> None:
    assert not earned(gold, answer, problem)


def test_the_expressions_of_a_problem() -> None:
    problem = r"If $x = 2+3$, \(y\) and \[z < 7, 8\] are 3 * 4, what is $\frac12$?"
    assert expressions(problem) == {
        "x=2+3",
        "x",
        "2+3",
        "y",
        "z<7,8",
        "z<7",
        "8",
        "z",
        "7,8",
        "7",
        "3*4",
        r"\frac{1}{2}",
    }


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("a+b", "b+a", True),
        ("2(a*b)", "b*(2a)", True),
        ("a-b", "-b+a", True),
        ("a-(b-c)", "a-b+c", True),
        ("a+0", "1*a", True),
        ("a-b", "b-a", False),
        ("a/b", "b/a", False),
        ("2a", "a+a", False),
    ],
)
def test_the_shape_of_a_formula(one: str, other: str, alike: bool) -> None:
    assert (shape(read(one)) == shape(read(other))) is alike


@pytest.mark.parametrize(
    "text", ["2+3", "2*3", "2x+3x", "2^3", "5!", r"\sqrt{8}", r"\sqrt[3]{16}", "x+0.5/2", "(2+3)x", "1+x+1"]
)
def test_work_left_undone(text: str) -> None:
    assert undone(read(plain(text)))


@pytest.mark.parametrize(
    "text", ["5", "-5", "1/2", r"2\frac12", "2x+3y", r"5\sqrt{2}", "x^2+x", "x!", "1+x", r"1+\sqrt{2}", "2^x"]
)
def test_nothing_left_to_do(text: str) -> None:
    assert not undone(read(plain(text)))


def test_fractions_with_a_common_factor() -> None:
    assert reducible(read(r"\frac{6}{8}+x"))
    assert not reducible(read(r"\frac{3}{4}+x"))
