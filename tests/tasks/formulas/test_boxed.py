r"""Answers in \boxed{}: which one counts, and which answers are the same without any algebra."""

import random
import time

import pytest

from tasks._formulas.boxed import LONGEST, last_boxed, plain, settled

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
SAME = [
    (r"\frac{1}{2}", r"\dfrac{1}{2}"),
    (r"\frac{1}{2}", r"\frac12"),
    (r"\frac{1}{2}", "1/2"),
    (r"\frac{1}{2}", "0.5"),
    (r"\frac{1}{2}", "$.50$"),
    (r"\frac{1}{72}", r"\frac1{72}"),
    (r"-\frac{1}{2}", r"\frac{-1}{2}"),
    (r"11\sqrt{2}", r"11\sqrt2"),
    ("(3, 4)", r"\left(3,\,4\right)"),
    ("10000", "10,000"),
    ("10000", r"10{,}000"),
    ("10000", r"10,\!000"),
    ("1234.5", "1,234.50"),
    ("5", "5.0"),
    ("5", "5."),
    ("0", "-0"),
    ("5", "x = 5"),
    ("5", r"5 \text{ cm}"),
    ("5", r"5\text{ cm}^2"),
    ("5", r"5\,\mathrm{km}"),
    (r"\frac{3}{4}", r"\frac34 \mbox{ inches}"),
    ("9", r"9\text{ a.m.}"),
    ("90", r"90^\circ"),
    ("90", r"90^{\circ}"),
    ("32.5", r"\$32.50"),
    ("50", r"50\%"),
    ("13", r"\text{13}"),
    (r"\text{Even}", "even"),
    (r"\text{Evelyn}", r"\textbf{Evelyn}"),
    (r"\text{June 20}", "June 20"),
    (r"\text{A,D}", "A, D"),
    (r"\text{(B)}", "B"),
    (r"(\text{B})", "(B)"),
    (r"101_2", "101_{2}"),
    (r"(x-3)(x+3)", r"\left( x - 3 \right) \left( x + 3 \right)"),
]
DIFFERENT = [
    ("5", ""),
    ("5", " "),
    ("", ""),
    ("5", "6"),
    ("5", "-5"),
    ("1/3", "0.333"),  # a rounded value is not the value, however many digits it has
    ("1/3", ".3333333333333333"),
    ("0.5", r"50\%"),  # the per cent sign is a unit, as in MATH: 50% is 50
    (r"\text{even}", "odd"),
    (r"\text{even}", "neve"),
    (r"\text{(B)}", "C"),
    ("A", "a"),
    ("101_2", "101_3"),
    ("101_2", "5"),
]
UNDECIDED = [
    ("(1,2)", "[1,2]"), (r"\sqrt{8}", r"2\sqrt{2}"), ("x+1", "1+x"), ("1,2", "2,1"), ("5", "five"),
    (r"2\frac{1}{2}", "2.5"), ("5", r"\sqrt{25}"), ("1234", "12,34"), (r"19\text{ and }43", "19, 43"), ("5", "5 or 6"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "answer"), BOXES)
def test_the_last_box_counts(text: str, answer: str) -> None:
    assert last_boxed(text) == answer
    assert last_boxed(f"{{ {text} $x$ }} and so on") == answer


@pytest.mark.parametrize("text", NO_BOX, ids=lambda text: ascii(text[:20]))
def test_what_is_no_box(text: str) -> None:
    assert last_boxed(text) is None


@pytest.mark.parametrize("pair", SAME)
def test_one_answer_in_two_spellings(pair: tuple[str, str]) -> None:
    assert settled(*pair) is True
    assert settled(*pair[::-1]) is True


@pytest.mark.parametrize("pair", DIFFERENT)
def test_two_answers(pair: tuple[str, str]) -> None:
    assert settled(*pair) is False
    assert not settled(*pair[::-1])


def test_a_reply_longer_than_any_answer_is_wrong() -> None:
    assert settled("5", "5" + " " * LONGEST) is False


def test_a_base_may_be_left_out_of_a_reply_but_not_added() -> None:
    assert settled("101_2", "101") is True
    assert settled("101", "101_2") is None


@pytest.mark.parametrize("pair", UNDECIDED)
def test_what_needs_algebra_is_left_open(pair: tuple[str, str]) -> None:
    assert settled(*pair) is None


def test_any_soup_is_spelt_in_no_time() -> None:
    """No pattern of the spelling takes long on 300 characters of whatever order."""
    rng = random.Random(0)
    parts = [
        r"\text{",
        "}",
        "{",
        r"\frac",
        r"\left",
        r"\,",
        "1",
        ",",
        "000",
        "x=",
        "^",
        r"\circ",
        "%",
        "$",
        "_",
        " ",
        "(",
        ".",
    ]
    soups = ["".join(rng.choices(rng.sample(parts, 4), k=300))[:LONGEST] for _ in range(300)]
    begin = time.perf_counter()
    for soup in [*soups, *(part * (LONGEST // len(part)) for part in parts)]:
        plain(soup), settled("5", soup)
    assert time.perf_counter() - begin < 2
