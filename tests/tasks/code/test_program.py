"""The program in a reply, and programs that are wrong on purpose."""

import ast

import pytest

from tasks.code._program import LONGEST, blocks, fenced, program_of, spoiled, unix

BLOCK = "```python\nx = 1\n```"


@pytest.mark.parametrize(
    ("reply", "program"),
    [
        ("x = 1", "x = 1"),
        ("    return 1\n", "    return 1\n"),
        (BLOCK, "x = 1"),
        (f"First\n{BLOCK}\nthen\n```python\n    y = 2\n\n```\nDone.", "    y = 2\n"),
        ("```py\nx = 1\n```\n```text\nno\n```", "x = 1"),
        ("```Python3\nx = 1\n```", "x = 1"),
        ("```\nx = 1\n```", "x = 1"),
        ("```python\nx = 1", "x = 1"),
        ("```bash\nls\n```", ""),
        ("  ```python\n  x = 1\n  ```", "  x = 1"),
        ("`x = 1`", "`x = 1`"),
        ("```python\n```", ""),
        ("", ""),
        ("x" * (LONGEST + 1), ""),
        ("```python\n" + "x" * (LONGEST + 1), ""),
    ],
)
def test_the_program_of_a_reply(reply: str, program: str) -> None:
    assert program_of(reply) == program


def test_the_last_block_counts_even_if_an_earlier_one_is_right() -> None:
    assert list(blocks(f"{BLOCK}\n{BLOCK.replace('1', '2')}")) == ["x = 1", "x = 2"]


def test_a_program_as_a_reply_comes_back() -> None:
    code = "def f():\n\treturn 1\n"
    assert program_of(fenced(code)) == code.rstrip("\n")


def test_many_fences_take_linear_time() -> None:
    assert program_of("```python\n```\n" * 100_000) == ""


def test_spoiled_programs_are_programs() -> None:
    wrong = list(spoiled("def f(x):\n    if x:\n        return 0\n    return x + 1\n"))
    assert len(wrong) > 10
    assert all(ast.parse(program) for program in wrong)
    assert "def f(x):\n    if x:\n        return 0\n    return [x + 1]\n" in wrong
    assert list(spoiled("print(1)")) == []
    assert list(spoiled("x = 1\nprint(x)")) == ["x = 1"]


def test_line_ends() -> None:
    assert unix("a\r\nb\rc\n") == "a\nb\nc\n"
