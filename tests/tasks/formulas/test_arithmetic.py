"""The parser of arithmetic: exact values, and nothing that is not arithmetic."""

import random
import time
from contextlib import suppress
from fractions import Fraction

import pytest

from tasks._formulas.arithmetic import LONGEST, NotArithmetic, compute

VALUES = [
    ("7", 7, [7]),
    ("1 + 2 * 3", 7, [1, 2, 3]),
    ("(1 + 2) * 3", 9, [1, 2, 3]),
    ("10 - 4 - 3", 3, [10, 4, 3]),
    ("24 / 4 / 3", 2, [24, 4, 3]),
    ("1/3*3", 1, [1, 3, 3]),
    ("((5))", 5, [5]),
    ("8/(3-8/3)", 24, [8, 3, 8, 3]),
    (r"6 \times 7", 42, [6, 7]),
    (r"\left(6 \cdot 7\right) \div 2", 21, [6, 7, 2]),
    ("6 \u00d7 7 \u2212 2 \u00f7 2", 41, [6, 7, 2, 2]),
    ("$1+1$", 2, [1, 1]),
]
NONE = [
    "", " ", "+", "1+", "*1", "-1", "+1", "1 - -1", "(-1)", "1 2", "(1)(2)", "2(3)", "()", "(1", "1)", "1++1", "1**2",
    "1//2", "2^3", "1.5", "1,000", "01", "1e3", "0x1", "1_0", "x", "1+x", "1 = 1", "1/0", "1/(2-2)", "٣", "²",
    "\uff11", "1\0", "abs(1)", "__import__('os')", r"\frac{1}{2}", "1;1", "1\\", "5!", "[1]", "1+1" + " " * LONGEST,
]  # fmt: skip


@pytest.mark.parametrize(("text", "value", "numbers"), VALUES)
def test_it_computes(text: str, value: int, numbers: list[int]) -> None:
    result = compute(text)
    assert (result.value, result.numbers) == (value, numbers)


def test_it_computes_exactly() -> None:
    assert compute("1/3 + 1/6").value == Fraction(1, 2)


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_it_refuses_anything_else(text: str) -> None:
    with pytest.raises(NotArithmetic):
        compute(text)


def test_it_agrees_with_python() -> None:
    """On random expressions of its own language."""
    rng = random.Random(0)
    for _ in range(500):
        text = str(rng.randint(1, 99))
        for _ in range(rng.randint(1, 8)):
            text = rng.choice(["({0}) {1} {2}", "{0} {1} {2}", "{2} {1} ({0})"]).format(
                text, rng.choice("+-*"), rng.randint(1, 99)
            )
        assert compute(text).value == eval(text)


@pytest.mark.parametrize(
    "text", ["(" * 1_000_000, "9" * LONGEST, "(" * 100 + ")" * 100, "9*" * 99 + "9", "1/" * 99 + "7"]
)
def test_any_text_is_read_in_no_time(text: str) -> None:
    begin = time.perf_counter()
    with suppress(NotArithmetic):
        compute(text)
    assert time.perf_counter() - begin < 0.1
