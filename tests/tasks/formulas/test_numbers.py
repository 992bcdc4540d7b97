"""Numbers in replies: what is one, and that reading one is exact and bounded."""

import time
from fractions import Fraction

import pytest

from tasks._formulas.numbers import DIGITS, last_number, number, only_number

NUMBERS = [
    ("5", Fraction(5)),
    ("-3", Fraction(-3)),
    ("+3", Fraction(3)),
    ("\u22123", Fraction(-3)),
    ("007", Fraction(7)),
    ("1,234,567", Fraction(1234567)),
    ("1,234.50", Fraction(2469, 2)),
    ("0.1", Fraction(1, 10)),
    (".5", Fraction(1, 2)),
    ("-.5", Fraction(-1, 2)),
    ("72.", Fraction(72)),
    ("3/4", Fraction(3, 4)),
    ("-6/8", Fraction(-3, 4)),
    ("1,000/3", Fraction(1000, 3)),
    (r"\frac{3}{4}", Fraction(3, 4)),
    (r"-\frac{3}{4}", Fraction(-3, 4)),
    (r"\frac{-3}{4}", Fraction(-3, 4)),
    (r"-\frac{-3}{4}", Fraction(3, 4)),
    ("9" * DIGITS, Fraction(10**DIGITS - 1)),
]
NONE = [
    "", " ", "-", ".", ",", "5 ", "5x", "1e9", "0x10", "1_0", "nan", "inf", "--5", "1,23", "1,2345", "12,34", "1.2.3",
    "1/0", r"\frac{1}{0}", r"\frac{1}{2", "1/2/3", "٣", "\uff11\uff12", "²", "½", "Ⅷ", "5\0", "5\n", "9" * (DIGITS + 1),
]  # fmt: skip
SENTENCES = [
    # text, only number, last number
    ("$72 a week", 72, 72),
    ("72 clips.", 72, 72),
    ("it is 72", 72, 72),
    ("72%", 72, 72),
    ("cost: -$5", 5, 5),
    ("x = -5", -5, -5),
    ("1,080 in all", 1080, 1080),
    ("3.50 dollars", Fraction(7, 2), Fraction(7, 2)),
    ("$5/hour", 5, 5),
    ("24 + 48 = 72", None, 72),
    ("5-3", None, 3),
    ("(4)-3", None, 3),
    ("10/12", None, 12),
    ("x^2", None, 2),
    ("2*x", None, 2),
    (r"\frac{1}{2}", None, 2),
    ("version1 of a2b", None, None),
    ("1,2", None, None),
    ("1,0801", None, None),
    ("none", None, None),
    ("", None, None),
    ("٣ or \uff13", None, None),
]


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_a_number_has_its_exact_value(text: str, value: Fraction) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_what_is_no_number_alone(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize(("text", "only", "last"), SENTENCES)
def test_numbers_in_a_sentence(text: str, only: Fraction | None, last: Fraction | None) -> None:
    assert only_number(text) == only
    assert last_number(text) == last


def test_a_number_cut_by_the_limit_is_none() -> None:
    """Of a million nines, the last 300 are no answer."""
    assert last_number("9" * 1_000_000) is None
    assert last_number("9 " * 500_000) == 9


@pytest.mark.parametrize("letter", ["9", "9,", "9.", "-", " ", "a", "1 ", "(", "\0", "9/"])
def test_a_megabyte_is_read_at_once(letter: str) -> None:
    text = letter * (1_000_000 // len(letter))
    begin = time.perf_counter()
    number(text), only_number(text), last_number(text)
    assert time.perf_counter() - begin < 0.05
