r"""Which answers are the same without any algebra, and which are not."""

import pytest

from tasks._formulas.boxed import LONGEST
from tasks._formulas.settled import settled

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
    ("5/4", "1 1/4"),
    (r"2\frac{1}{2}", "2.5"),
    ("10000", "10 000"),
    ("10000", r"10\,000"),
    (r"50\%", r"50 \text{ percent}"),
    ("7000", r"7 \text{ thousand}"),
    ("5", "**5**"),
    (r"\text{4:30 p.m.}", r"4:30 \text{ p.m.}"),
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
    ("-221_3", "-221_8"),
    ("0.0011_2", "0.0011_8"),
    ("11/4", "1 1/4"),
    ("7", r"7 \text{ thousand}"),
    ("x = 5", "y = 5"),
    (r"5 \text{ feet}", r"5 \text{ inches}"),
    (r"144 \text{ m}^3", r"144 \text{ m}^2"),
    (r"\$80", r"80 \text{ cents}"),
]
UNDECIDED = [
    ("(1,2)", "[1,2]"), (r"\sqrt{8}", r"2\sqrt{2}"), ("x+1", "1+x"), ("1,2", "2,1"), ("5", "five"),
    ("12", "1 2"), ("5", r"\sqrt{25}"), ("1234", "12,34"), (r"19\text{ and }43", "19, 43"), ("5", "5 or 6"),
]  # fmt: skip


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


def test_a_per_cent_sign_is_a_hundredth_where_it_is_not_the_unit() -> None:
    assert settled("50", r"50\%", percent=True) is True
    assert settled("50", r"50\%", percent=False) is None
    assert settled(r"50\%", "50", percent=False) is True  # the gold answer says that it is


def test_a_letter_apart_from_a_number_is_a_unit_where_the_gold_answer_has_no_letters() -> None:
    assert settled("5", "5 m") is True
    assert settled("5", "5m") is None
    assert settled("5m", "5 m") is True
    assert settled("5m", "5") is None


def test_a_base_may_be_left_out_of_a_reply_but_not_added() -> None:
    assert settled("101_2", "101") is True
    assert settled("101", "101_2") is None


@pytest.mark.parametrize("pair", UNDECIDED)
def test_what_needs_algebra_is_left_open(pair: tuple[str, str]) -> None:
    assert settled(*pair) is None
