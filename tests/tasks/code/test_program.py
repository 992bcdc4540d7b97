"""The program in a reply, and programs that are wrong on purpose."""

import ast

import pytest

from tasks.code._fences import blocks
from tasks.code._program import LONGEST, defines, fenced, program_of, spoiled, unix

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
        ("  ```python\n  x = 1\n  ```", "x = 1"),  # lines lose the indentation of their fence
        ("- ```python\n  x = 1\n  ```", "x = 1"),
        ("1. a\n\n   ```python\n   if x:\n     x = 1\n   ```", "if x:\n  x = 1"),
        ("````python\nx = 1\n````", "x = 1"),
        ("````python\n# a\n```\n# b\n````", "# a\n```\n# b"),
        ("~~~python\nx = 1\n~~~", "x = 1"),
        ("```{.python title='a'}\nx = 1\n```", "x = 1"),
        ("x = 1\n```", "x = 1"),
        ("x = 1\n```\nDone.", "x = 1"),
        ("x = 1\nprint(x)\n\nOutput:\n```\n1\n```", "x = 1\nprint(x)"),
        ("```python\nx = 1\n```\n```\n1\n```", "x = 1"),  # a block that names Python before one that names none
        ("```python\nx = 1\n```python\ny = 2\n```", "y = 2"),
        ("`x = 1`", "`x = 1`"),
        ("```python\n```", ""),
        ("", ""),
        ("x" * (LONGEST + 1), ""),
        ("```python\n" + "x" * (LONGEST + 1), ""),
    ],
)
def test_the_program_of_a_reply(reply: str, program: str) -> None:
    assert program_of(reply) == program


def test_the_last_block_that_defines_what_is_asked_for_counts() -> None:
    reply = "```python\ndef f(): pass\n```\n```python\nf()\n```"
    assert program_of(reply, ("f",)) == "def f(): pass"
    assert program_of(reply, ("g",)) == program_of(reply) == "f()"
    assert program_of(f"{reply}\n```python\nf = 1\n```", ("f",)) == "f = 1"


@pytest.mark.parametrize(
    ("program", "defined"),
    [
        ("def f():\n  pass", True),
        ("async def f(): pass", True),
        ("class f: pass", True),
        ("f = lambda: 1", True),
        ("f: int = 1", True),
        ("def ff(): pass", False),
        ("f()", False),
        ("class A:\n  def f(self): pass", False),
    ],
)
def test_what_defines_a_name(program: str, defined: bool) -> None:
    assert defines(program, "f") is defined


def test_the_last_block_counts_even_if_an_earlier_one_is_right() -> None:
    assert blocks(f"{BLOCK}\n{BLOCK.replace('1', '2')}") == ["x = 1", "x = 2"]


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
