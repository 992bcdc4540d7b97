"""Numbers in replies: what is one, and that reading one is exact and bounded."""

import time
from fractions import Fraction

import pytest

from tasks._formulas.numbers import DIGITS, number

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
    ("2 3/4", Fraction(11, 4)),
    (r"2\frac{3}{4}", Fraction(11, 4)),
    (r"-2\frac{3}{4}", Fraction(-11, 4)),
    ("\u20135", Fraction(-5)),
    ("9" * DIGITS, Fraction(10**DIGITS - 1)),
]
NONE = [
    "", " ", "-", ".", ",", "5 ", "5x", "1e9", "0x10", "1_0", "nan", "inf", "--5", "1,23", "1,2345", "12,34", "1.2.3",
    "1/0", r"\frac{1}{0}", r"\frac{1}{2", "1/2/3", "2 4/3", "2 0/3", "1 2", "٣", "\uff11\uff12", "²", "½",
    "Ⅷ", "5\0", "5\n", "9" * (DIGITS + 1),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), NUMBERS)
def test_a_number_has_its_exact_value(text: str, value: Fraction) -> None:
    assert number(text) == value


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_what_is_no_number_alone(text: str) -> None:
    assert number(text) is None


@pytest.mark.parametrize("letter", ["9", "9,", "9.", "-", " ", "a", "1 ", "(", "\0", "9/"])
def test_a_megabyte_is_read_at_once(letter: str) -> None:
    text = letter * (1_000_000 // len(letter))
    begin = time.perf_counter()
    number(text)
    assert time.perf_counter() - begin < 0.05
