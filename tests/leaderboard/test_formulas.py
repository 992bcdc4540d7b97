"""AsciiMath of the cards as MathML: what each sign becomes, and what cannot be read."""

import xml.etree.ElementTree as ET

import pytest

from leaderboard.formulas import mathml


def drawn(formula: str) -> str:
    """The MathML of one line without its frame; it is well-formed."""
    text = mathml(formula).replace("&#8289;", "").replace("&#160;", " ")
    ET.fromstring(f"<x>{text}</x>")
    return text.removeprefix('<math display="block"><mrow>').removesuffix("</mrow></math>")


@pytest.mark.parametrize(
    ("formula", "wanted"),
    [
        ("w", "<mi>w</mi>"),
        ("alpha", "<mi>\u03b1</mi>"),
        ("g_k", "<msub><mi>g</mi><mi>k</mi></msub>"),
        ("g_k^2", "<msubsup><mi>g</mi><mi>k</mi><mn>2</mn></msubsup>"),
        ("x^(a)", "<msup><mi>x</mi><mrow><mi>a</mi></mrow></msup>"),
        ("sum_k", "<munder><mo>\u2211</mo><mi>k</mi></munder>"),
        ("a / b", "<mfrac><mi>a</mi><mi>b</mi></mfrac>"),
        ("(a) / (b)", "<mfrac><mrow><mi>a</mi></mrow><mrow><mi>b</mi></mrow></mfrac>"),
        ("norm(g)", "<mrow><mo>\u2016</mo><mrow><mi>g</mi></mrow><mo>\u2016</mo></mrow>"),
        ("inner(a, b)", "<mrow><mo>\u27e8</mo><mrow><mi>a</mi><mo>,</mo><mi>b</mi></mrow><mo>\u27e9</mo></mrow>"),
        ("hat(g)_k", '<msub><mover accent="true"><mrow><mi>g</mi></mrow><mo>^</mo></mover><mi>k</mi></msub>'),
        ("g'_i", "<msub><msup><mi>g</mi><mo>\u2032</mo></msup><mi>i</mi></msub>"),
        ("a <- b", "<mi>a</mi><mo>\u2190</mo><mi>b</mi>"),
        ("a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"),
        ("for all k", "<mtext> for </mtext><mtext> all </mtext><mi>k</mi>"),
    ],
)
def test_each_sign_is_drawn(formula: str, wanted: str):
    assert drawn(formula) == wanted


def test_a_semicolon_ends_a_line():
    assert mathml("a ; b").count("<math ") == 2


def test_what_is_no_letter_is_escaped():
    assert "<script>" not in mathml("<script>alert(1)")


@pytest.mark.parametrize("formula", ["(a", "a)", "g_", "{a)", "a /"])
def test_what_cannot_be_read_says_where(formula: str):
    with pytest.raises(ValueError, match=r"missing|closes nothing"):
        mathml(formula)
