"""Values of formulas: exact where they are fractions, precise elsewhere, and bounded."""

import time
from fractions import Fraction

import pytest
from mpmath import mp

from tasks._formulas.lexer import Unreadable
from tasks._formulas.places import Places
from tasks._formulas.reader import read
from tasks._formulas.spelling import plain
from tasks._formulas.tree import Node
from tasks._formulas.values import DIGITS, Undefined, close, evaluate, nearest

EXACT = [
    (r"1/3 + 1/6", Fraction(1, 2)),
    (r"2\frac{1}{2}", Fraction(5, 2)),
    (r"0.1\overline{6}", Fraction(1, 6)),
    (r"\sqrt{\frac{4}{9}}", Fraction(2, 3)),
    (r"\sqrt[3]{-27}", Fraction(-3)),
    (r"\frac{5!}{3!}", Fraction(20)),
    (r"\binom{10}{3}", Fraction(120)),
    (r"|-3|", Fraction(3)),
    (r"\lfloor -2.5 \rfloor + \lceil 2.5 \rceil", Fraction(0)),
    ("50%", Fraction(1, 2)),
    ("2^{-3}", Fraction(1, 8)),
    ("1.5e3", Fraction(1500)),
]
CLOSE = [
    (r"\pi", "3.14159265358979323846264338327950288419716939937510582097494459230781640628620899"),
    (r"\sin 30^\circ", "0.5"),
    ("e^{i\\pi}", "-1"),
    (r"\sqrt{-4}", "2i"),
    (r"\log_2 8", "3"),
    (r"\lg 1000", "3"),
    (r"\arctan 1", r"\frac{\pi}{4}"),
    (r"\cos^2 1 + \sin^2 1", "1"),
]
UNDEFINED = [
    "1/0", "0^0", "0^{-1}", r"\ln 0", r"\infty + 1", r"\frac{1}{1-1}", "9^{9^{9}}", "1000000!", "(-1)!",
    r"\tan(10^{100})",
    r"\sqrt[1000]{2}", r"\lfloor i \rfloor", r"\log_1 5", "e^{10^9}",
]  # fmt: skip


def value(text: str) -> object:
    return evaluate(read(plain(text)), {})


@pytest.mark.parametrize(("text", "number"), EXACT)
def test_fractions_are_exact(text: str, number: Fraction) -> None:
    found = value(text)
    assert isinstance(found, Fraction)
    assert found == number


@pytest.mark.parametrize(("one", "other"), CLOSE)
def test_other_values_are_precise(one: str, other: str) -> None:
    assert close(value(one), value(other))


@pytest.mark.parametrize("text", UNDEFINED)
def test_what_has_no_value(text: str) -> None:
    with pytest.raises(Undefined):
        value(text)


@pytest.mark.parametrize("text", ["1,2", "(1,2)", "x=1", r"\sin_2 x"])
def test_what_is_no_value(text: str) -> None:
    with pytest.raises(Unreadable):
        evaluate(read(text), {"x": Fraction(1)})


def test_values_differ_by_their_size_not_by_a_distance() -> None:
    """What is nearer to zero than any tolerance is still another number."""
    assert not close(mp.mpf(10) ** -40, mp.mpf(10) ** -50)
    assert not close(mp.mpf(10) ** -1000, -(mp.mpf(10) ** -1000))
    assert close(mp.mpf(10) ** -1000 * (1 + mp.mpf(10) ** -(DIGITS - 5)), mp.mpf(10) ** -1000)
    assert not close(Fraction(1, 10**200), Fraction(1, 10**201))


@pytest.mark.parametrize(
    "text",
    ["9^{9^{9^{9}}}", "3000!" * 8, "(x+y+z+1)^{200}", r"\sqrt{2}^{\sqrt{2}^{\sqrt{2}^{99999}}}",
    "+".join(["x^{99}"] * 40),
     "((((9!)!)!)!)!", "2^{19999} \\cdot 3^{9999}", "\\sin(" * 15 + "1" + ")" * 15],
)  # fmt: skip
def test_any_value_is_computed_or_refused_at_once(text: str) -> None:
    begin = time.perf_counter()
    Places("seed", 0).equal(read(plain(text)), Node.number(0))
    assert time.perf_counter() - begin < 0.5


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("(x+1)^2", "x^2+2x+1", True),
        ("(x+1)^2", "x^2+2x+2", False),
        (r"\sqrt{x^2}", "|x|", True),
        (r"\sqrt{x^2}", "x", False),  # they differ where x is negative
        (r"x\sqrt{x}", r"\sqrt{x^3}", True),  # equal wherever they are real
        (r"\frac{(2n)!}{n! n!}", r"\binom{2n}{n}", True),
        (r"\frac{n!}{(n-1)!}", "n", True),
        ("x", "y", False),
        (r"\frac{x^2-1}{x-1}", "x+1", True),
        ("1/(x-x)", "2/(x-x)", False),  # without a value anywhere, nothing is known
        (r"\frac{1}{0}", r"\frac{1}{0}", False),
        ("x^{60}", "x^{61}", False),
    ],
)
def test_formulas_are_equal_where_their_values_are(one: str, other: str, equal: bool) -> None:
    assert Places("seed", 0).equal(read(plain(one)), read(plain(other))) is equal


def test_a_logarithm_without_a_base_has_the_one_that_is_given() -> None:
    assert Places("seed", 10).equal(read(r"\log 100"), Node.number(2))
    assert Places("seed", 0).equal(read(r"\log 2"), read(r"\ln 2"))


def test_rounding() -> None:
    assert nearest(mp.sqrt(2), Fraction(1, 100)) == Fraction(141, 100)
    places, root = Places("seed", 0), read(r"\sqrt{2}")
    assert places.rounded(root, read("1.4142"))
    assert places.rounded(root, read("1.4143")) is False
    assert places.decimal(root, read("1.414213"))  # cut at the sixth place
    assert not places.rounded(read(r"\infty"), read("1.4"))
    assert not places.decimal(root, read("1.41421"))  # too short to stand for it
    assert not places.decimal(read(r"\frac{1}{3}"), read("0.333333"))  # a fraction has no decimals that stand for it
