"""Numbers as words: one rule for the terminal, the reports and the site."""

import math

import pytest

from bench.analysis.statistics import Interval
from bench.analysis.text import amount, compact, ends, figure, p_value, percent, plural, signed, with_ends


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (0.0214, "+0.021"),
        (-0.5, "-0.500"),
        (0.0, "0.000"),
        (-0.0, "0.000"),
        (-0.0004, "-0.0004"),
        (-0.00011, "-0.0001"),
        (0.000025, "+0.00003"),
        (1e-17, "0.000"),
    ],
)
def test_a_number_that_is_not_zero_never_reads_zero(value, said):
    """Two published bounds, -0.00011 and -0.000025, decide opposite verdicts and both used to read 0.000."""
    assert signed(value) == said


def test_the_ends_of_an_interval():
    assert with_ends(Interval(0.02, -0.00011, 0.04, 5)) == "+0.020 [-0.0001, +0.040]"
    assert ends(Interval(0.02, -math.inf, math.inf, 1)) == ends(None) == ""


@pytest.mark.parametrize(("p", "said"), [(None, ""), (0.0009, "<0.001"), (0.001, "0.001"), (0.19, "0.190")])
def test_a_p_value(p, said):
    assert p_value(p) == said


@pytest.mark.parametrize(
    ("say", "value", "said"),
    [
        (figure, 0.7421, "0.742"),
        (figure, 53.04, "53.0"),
        (figure, 1234.0, "1,230"),
        (amount, 0.0184, "0.018"),
        (amount, 1234.0, "1,200"),
        (compact, 0.00001234, "1.234e-5"),
        (percent, 0.253, "25 %"),
        (percent, 0.001, "under 1 %"),
        (percent, 0.0, "0 %"),
    ],
)
def test_figures(say, value, said):
    assert say(value) == said


def test_a_count_with_its_noun():
    assert [plural(count, "seed") for count in (1, 3, 1200)] == ["1 seed", "3 seeds", "1,200 seeds"]
