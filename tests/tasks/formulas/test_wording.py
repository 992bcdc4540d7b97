"""Numbers in a line of text: which one it states, and what the words around it make of it."""

import time
from fractions import Fraction

import pytest

from tasks._formulas.sums import result
from tasks._formulas.wording import last_number, stated

SENTENCES = [
    # text, the number that it states, its last number
    ("$72 a week", 72, 72),
    ("72 clips.", 72, 72),
    ("it is 72", 72, 72),
    ("72%", 72, 72),
    ("cost: -$5", -5, -5),
    ("$-5", -5, -5),
    ("x = -5", -5, -5),
    ("1,080 in all", 1080, 1080),
    ("3.50 dollars", Fraction(7, 2), Fraction(7, 2)),
    ("$5/hour", 5, 5),
    ("60 m^2", 60, 60),
    ("60cm", 60, 60),
    ("1e3", 1000, 1000),
    ("4 1/2 cups", Fraction(9, 2), Fraction(9, 2)),
    ("10/12", Fraction(5, 6), Fraction(5, 6)),
    ("**72**", 72, 72),
    ("7 million dollars", 7_000_000, 7_000_000),
    ("7 dozen", 84, 84),
    ("minus 7", -7, -7),
    ("72 (clips)", 72, 72),
    ("24 + 48 = 72", 72, 72),
    ("24 + 49 = 72", None, 72),  # as the last line it is a false statement, in running text a slip before the answer
    ("24 + 48", None, None),
    ("5-3", None, None),
    ("(4)-3", None, None),
    ("x^2", None, None),
    ("2*x", None, None),
    (r"\frac{1}{2}", None, None),
    (r"x \neq 7", None, None),
    ("1 5", None, None),
    ("1:30", None, None),
    ("not 7", None, None),
    ("less than 7", None, None),
    ("7 or more", None, None),
    ("7 or 8", None, None),
    ("about 7", None, None),
    ("7 and a half", None, None),
    ("half of 7", None, None),
    ("twenty 7", None, None),
    ("7 e3", None, None),
    ("--5", None, None),
    ("version1 of a2b", None, None),
    ("1,2", None, None),
    ("1,0801", None, None),
    ("none", None, None),
    ("", None, None),
    ("٣ or \uff13", None, None),
]


@pytest.mark.parametrize(("text", "only", "last"), SENTENCES)
def test_numbers_in_a_sentence(text: str, only: Fraction | None, last: Fraction | None) -> None:
    assert stated(text) == only
    assert last_number(text) == last


def test_only_the_words_near_the_last_number_count() -> None:
    assert last_number("It is not 5. Less than half are red.\nSo 7 are left.") == 7
    assert last_number("- 7 apples") == 7


def test_a_percentage_is_a_hundredth_where_it_is_not_asked_for() -> None:
    assert stated("7%", percent=False) == last_number("7 percent", percent=False) == Fraction(7, 100)


def test_a_number_cut_by_the_limit_is_none() -> None:
    """Of a million nines, the last 300 are no answer."""
    assert last_number("9" * 1_000_000) is None
    assert last_number("9, " * 500_000) == 9


@pytest.mark.parametrize("letter", ["9", "9,", "9.", "-", " ", "a", "1 ", "(", "\0", "9/", "=", "9=", "*", "$"])
def test_a_megabyte_is_read_at_once(letter: str) -> None:
    text = letter * (1_000_000 // len(letter))
    begin = time.perf_counter()
    stated(text), stated(text[:300]), last_number(text)
    assert time.perf_counter() - begin < 0.05


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("9 * 2", 18),
        ("9 eggs * 2", 18),
        ("2 x 3 + 1", 7),
        ("12/5", Fraction(12, 5)),
        ("3 * 4 = 12", 12),
        ("x = 3 * 4 = 12", 12),
        (r"9 \times 2", 18),
        ("10^3", 1000),
        ("3 * 4 = 13", None),
        ("1/0", None),
        ("x + 1", None),
        ("2 dozen * 3", None),
        ("9^9^9", None),
        ("10^999", None),
        (r"\sqrt{4}", None),
        ("", None),
        ("1+" * 200 + "1", None),
    ],
)
def test_sums_have_exact_values(text: str, value: Fraction | None) -> None:
    assert result(text) == value
