r"""Formulas are read as a whole or not at all."""

import random
import time
from contextlib import suppress

import pytest

from tasks._formulas.boxed import LONGEST
from tasks._formulas.lexer import Unreadable
from tasks._formulas.reader import read
from tasks._formulas.spelling import plain
from tasks._formulas.tree import Node, symbols

ALIKE = [
    (r"\frac12", r"\frac{1}{2}"),
    (r"\frac\pi2", r"\frac{\pi}{2}"),
    (r"\frac\pi{20}", r"\frac{\pi}{20}"),
    (r"\frac a b", r"\frac{a}{b}"),
    (r"\sqrt2x", r"\sqrt{2}x"),
    (r"\sqrt x", r"\sqrt{x}"),
    ("2^10", "2^{10}"),
    ("x^-1", "x^{-1}"),
    ("2**3", "2^3"),
    (r"\sin^2 x", r"(\sin x)^2"),
    (r"\sin^{-1} x", r"\arcsin x"),
    (r"\sin 2x \cos x", r"\sin(2x)\cos(x)"),
    (r"\operatorname{ln} x", r"\ln{x}"),
    (r"\mathrm{e}^x", "e^x"),
    ("2 1/2", r"2\frac{1}{2}"),
    ("pi/2", r"\pi/2"),
    ("sqrt(2)", r"\sqrt{2}"),
    ("1 and 2", "1,2"),
    (r"1,\text{ and }2", "1,2"),
    ("[1;2]", "[1,2]"),
    (r"x \leq 2", "x <= 2"),
    ("0.5", "0.50"),
    ("1e3", "1000"),
    ("{x}+{y}", "x+y"),
    (r"50 \text{ percent}", r"50\%"),
]
UNREADABLE = [
    "", " ", "5 @ 7", "6 | 7", "6 & 7", r"\neq 7", "< 7", "= 7", "7 =", r"6 \to 7", r"\foo 3 + 7", r"\foo",
    "7 7", "1 2",
    "x 2", "(2)3", r"\frac123", r"2\frac{3}{2}", "7^", "7_8", "101_2", "(7", "7)", "[7", "{7", "7}", "(7]",
    "(1,2", "7'", "/7",
    "7-", "1..2", "7?", "7#", r"\frac{1}", r"\frac{}{2}", r"\sqrt{}", "()", "(,)", r"1, 2, \ldots",
    r"\sum_{n} n", r"\int x dx",
    r"\begin{pmatrix} 1 & 2 \\ 3 \end{pmatrix}", r"\begin{pmatrix} 1", r"\begin{vmatrix} 1 \end{vmatrix}",
    r"\text{even}",
    r"7 \text{ or more}", r"\text{not } 7", r"7 \text{ halves}", r"\lim_{x} x", "x!!?", "é", "٣", "\0", "7 \ud800",
    "(" * 100 + "1" + ")" * 100, r"\sqrt{" * 60 + "2" + "}" * 60, "9^" * 100 + "9",
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_two_writings_of_one_tree(one: str, other: str) -> None:
    assert read(plain(one)) == read(plain(other))


@pytest.mark.parametrize("text", UNREADABLE, ids=ascii)
def test_what_follows_no_rule_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read(plain(text))


def test_any_part_behind_a_formula_makes_it_unreadable() -> None:
    for text in ("x+1", "(1,2)", r"\frac{1}{2}", "x=5", r"\begin{pmatrix}1\end{pmatrix}", r"5\text{cm}"):
        assert read(plain(text))
        for rest in ("@", "&", "|", ")", "}", "^", r"\foo", "'", "#"):
            with pytest.raises(Unreadable):
                read(plain(f"{text} {rest}"))


def test_products_and_powers() -> None:
    """Factors from left to right, powers from right to left; a fraction without braces ends with its digit."""
    x, y, two = Node("symbol", ("x",)), Node("symbol", ("y",)), Node.number(2)
    assert read("x/2y") == Node("*", (Node("/", (x, two)), y))
    assert read("x^2^y") == Node("^", (x, Node("^", (two, y))))
    assert read(r"\frac{x}2y") == Node("*", (Node("/", (x, two)), y))
    assert read("-x^2") == Node("negative", (Node("^", (x, two)),))


def test_letters_of_a_formula() -> None:
    assert symbols(read(r"x_1 + AB\theta e^{i\pi} + \sin y")) == {"x_1", "AB", r"\theta", "y"}


def test_any_soup_is_read_in_no_time() -> None:
    rng = random.Random(0)
    parts = [
        r"\frac",
        "{",
        "}",
        "(",
        ")",
        "1",
        ",",
        "x",
        "^",
        "_",
        "=",
        "|",
        r"\sqrt",
        r"\sin",
        "-",
        "!",
        " ",
        r"\text{a}",
        "%",
        ".",
    ]
    soups = ["".join(rng.choices(rng.sample(parts, 4), k=300))[:LONGEST] for _ in range(300)]
    begin = time.perf_counter()
    for soup in [*soups, *(part * (LONGEST // len(part)) for part in parts)]:
        with suppress(Unreadable):
            read(plain(soup))
    assert time.perf_counter() - begin < 2
