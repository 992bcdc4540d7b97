"""Literals are read, never evaluated."""

import ast
import time
import warnings
from contextlib import suppress

import pytest

from tasks.code._literal import LONGEST, NoLiteralError, literal

RIGHT = [
    "1", "-1", "+1", "1.5", "-.5", "1e3", "1.", "None", "True", "False", "''", "'a'", '"it\'s"', r"'it\'s'",
    r"'\n\x41'", "b'a'", "[]", "[1]", "[1,]", "[1, [2, 'a']]", "()", "(1,)", "(1, 2)", "(1)", "((1, 2), [3])",
    "{}", "{1}", "{1, 2}",
    "{'a': 1}", "{'a': {1: (2,)}, 'b': []}", " [ 1 , 2 ] ", "{1: 2,}", "'[,]'", "'#'",
]  # fmt: skip
WRONG = [
    "", " ", "x", "f(1)", "1 + 1", "[1", "1]", "[1 2]", "[,]", "[1,,2]", "{1: 2, 3}", "{1, 2: 3}", "{[]: 1}", "{[]}",
    "1 2", "__import__('os')", "[x for x in y]", "lambda: 1", "'a' 'b'", "'a", "'a\nb'", "f'a'", "r'a'", "1_0", "0x1",
    "01", "(,)", "{:}", "...", "1j", "--1", "not True", "a=1", "'\\x'", "'\\N{none}'", "٣", "\0", "nan", "inf",
    "set(1)", "}", ":",
]  # fmt: skip


@pytest.mark.parametrize("text", RIGHT)
def test_it_reads_what_python_reads(text: str) -> None:
    assert literal(text) == ast.literal_eval(text.strip())
    assert type(literal(text)) is type(ast.literal_eval(text.strip()))


@pytest.mark.parametrize("text", WRONG, ids=ascii)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(NoLiteralError):
        literal(text)


def test_the_empty_set_has_no_literal_but_is_written() -> None:
    assert literal("set()") == set()


def test_escapes_that_python_does_not_know_stand_for_themselves() -> None:
    """Python warns of them; a reply must not fill the log."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert literal(r"'\d'") == r"\d"


@pytest.mark.parametrize(
    "text",
    ["(" * LONGEST, "[" * 1000 + "]" * 1000, "-" * LONGEST, "{" * LONGEST, "'" * LONGEST, "\\" * LONGEST, " " * LONGEST,
     "1," * 999, "[" + "1," * 998 + "]", "9" * LONGEST, "'" + "\\'" * 998, "1e" + "9" * 1000, "x" * 10**7],
    ids=lambda text: ascii(text[:6]),
)  # fmt: skip
def test_hostile_text_is_read_in_no_time(text: str) -> None:
    begin = time.monotonic()
    with suppress(NoLiteralError):
        literal(text)
    assert time.monotonic() - begin < 0.2
