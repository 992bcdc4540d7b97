r"""One spelling for what is written in many ways, and white space that keeps things apart."""

import random
import time

import pytest

from tasks._formulas.boxed import LONGEST
from tasks._formulas.settled import settled
from tasks._formulas.spelling import plain

SPELT = [
    (r"\dfrac12", r"\frac{1}{2}"),
    (r"\frac 1{72}", r"\frac{1}{72}"),
    (r"\frac{40}7", r"\frac{40}{7}"),
    (r"\left( 3,\, 4 \right)", "(3,4)"),
    ("$x + 1$.", "x+1"),
    (r"\displaystyle x \\", "x"),
    (r"10{,}000", "10000"),
    (r"1,\!000,\! 000", "1000000"),
    (r"10\,000", "10000"),
    ("10 000 000", "10000000"),
    ("10 00", "10 00"),
    ("1 2", "1 2"),
    (r"1 \quad 23", "1 23"),
    ("4 .5", "4 .5"),
    ("1 1/4", "1 1/4"),
    (r"\pi r", r"\pi r"),
    ("2 x", "2x"),
    ("5 apples", "5 apples"),
    (r"5\,\mathrm{km}", r"5\text{km}"),
    (r"\mathrm{e}^{2}", "e^{2}"),
    (r"\operatorname{sin} x", r"\sin x"),
    (r"90^{\circ}", r"90^\circ"),
    ("\u22123 \u2264 x", r"-3\le x"),
    ("\u221a2", r"\sqrt{2}"),
    ("2\u03c0", r"2\pi"),
    ("2\u00bd", r"2\frac{1}{2}"),
    ("**5**", "5"),
    ("{5}", "5"),
    ("{5}{6}", "{5}{6}"),
    (r"\text{13}", "13"),
    (r"\text{4:30 p.m.}", r"4:30\text{p.m.}"),
    ("4:30 PM", r"4:30\text{Pm}"),
    ("50 per cent", "50%"),
    (r"50\%", "50%"),
    (r"1 & \phantom -2 \\ 3", r"1&2\\3"),
]


@pytest.mark.parametrize(("answer", "spelling"), SPELT)
def test_one_spelling(answer: str, spelling: str) -> None:
    assert plain(answer) == spelling
    assert plain(spelling) == spelling


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
