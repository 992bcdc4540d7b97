r"""Quantities: a number with its label, unit and multiplier; and which words are a unit."""

from fractions import Fraction

import pytest

from tasks._formulas.quantities import Quantity, quantity
from tasks._formulas.units import Unit, asks_percent, conflict, unit

QUANTITIES = [
    ("5", Quantity(Fraction(5), "", "")),
    ("x=5", Quantity(Fraction(5), "x", "")),
    (r"5\text{cm}", Quantity(Fraction(5), "", "cm")),
    (r"5\text{centimeters}", Quantity(Fraction(5), "", "cm")),
    (r"5\text{cm}^2", Quantity(Fraction(5), "", "cm^2")),
    ("5cm", Quantity(Fraction(5), "", "cm")),
    ("5 apples", Quantity(Fraction(5), "", "")),
    (r"7\text{million dollars}", Quantity(Fraction(7 * 10**6), "", "")),
    (r"90^\circ", Quantity(Fraction(90), "", "")),
    (r"2\frac{1}{2}\text{feet}", Quantity(Fraction(5, 2), "", "ft")),
]
NONE = ["", "x", "5x", "5in", "5am", r"5\text{or more}", r"5\text{halves}", "5^2", "1 2", "5=5", "xy=5", r"5\text{%}"]


@pytest.mark.parametrize(("text", "found"), QUANTITIES)
def test_a_quantity(text: str, found: Quantity) -> None:
    assert quantity(text) == found


@pytest.mark.parametrize("text", NONE)
def test_what_is_no_quantity(text: str) -> None:
    assert quantity(text) is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("cm", Unit(1, "cm")),
        ("right triangles", Unit(1, "")),
        ("p.m.", Unit(1, "pm")),
        ("thousand", Unit(1000, "")),
        ("thousand miles", Unit(1000, "")),
        ("or more", None),
        ("at most", None),
        ("and a half", None),
        ("percent", None),
        ("1", None),
        ("", None),
    ],
)
def test_which_words_are_a_unit(text: str, found: Unit | None) -> None:
    assert unit(text) == found


def test_two_units_are_two_answers() -> None:
    assert conflict("ft", "in")
    assert conflict("m^2", "m^3")
    assert not conflict("ft", "")
    assert not conflict("m", "m^2")


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("What percent are red?", True),
        ("Express it as a percentage.", True),
        ("Find the per cent increase.", True),
        ("What % of them are red?", True),
        ("If 60% are red, how many are blue?", False),
        (r"If $60\%$ are red, how many are blue?", False),
        ("If 60 percent are red, how many are blue?", False),
        ("How many are red?", False),
    ],
)
def test_whether_a_question_asks_for_a_percentage(question: str, asks: bool) -> None:
    assert asks_percent(question) is asks
