"""The jail for honest programs: what passes, what fails, what crosses, and that it lives on."""

import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest

from tasks._jail.client import FAILED, Jail
from tasks._jail.programs import asks, call, evaluate, passes, prints
from tasks._jail.server import PAIR

RIGHT = {
    "a number": ("def f(x): return x + 1", "assert f(1) == 2"),
    "several calls": ("def f(x): return x", "for x in range(5):\n    assert f(x) == x"),
    "keywords": ("def f(a, *, b=1): return a - b", "assert f(3, b=2) == 1"),
    "state between calls": ("n = 0\ndef f():\n  global n\n  n += 1\n  return n", "assert (f(), f()) == (1, 2)"),
    "an object passed back": (
        "class A:\n  def __init__(self, n): self.n = n\ndef f(a): return a.n",
        "assert f(A(3)) == 3\nassert f([A(1)][0]) == 1",
    ),
    "attributes of an object": (
        "class A:\n  pass\ndef f(a): return a.b.c",
        "a = A()\na.b = A()\na.b.c = [1]\nassert f(a) == [1] and a.b.c == [1]",
    ),
    "a method": ("class Solution:\n  def f(self, x): return x", "check = Solution().f\nassert check(4) == 4"),
    "a function given and returned": ("def f(g): return g\ndef h(x): return -x", "assert f(h)(2) == -2"),
    "a generator": ("def f(n):\n  for i in range(n): yield i", "assert list(f(3)) == [0, 1, 2]"),
    "an error that is expected": (
        "def f(x): raise ValueError('no')",
        "try:\n  f(1)\n  assert False\nexcept ValueError as e:\n  assert str(e) == 'no'",
    ),
    "a builtin's name": ("def sum(a, b): return a - b", "assert sum(3, 1) == 2"),
    "modules for the tests": ("def f(x): return x", "assert math.isclose(f(.5), .5) and re.match('a', 'a')"),
    "imports in the program": (
        "import array, heapq, cmath, queue, functools\nfrom collections import *\ndef f():\n  q = queue.Queue()\n"
        "  q.put(1)\n  return q.get() + array.array('i', [1])[0]",
        "assert f() == 2",
    ),
    "dataclasses": (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\nclass P:\n  x: int = 1\n"
        "def f(): return P().x",
        "assert f() == 1",
    ),
    "a named tuple": (
        "from collections import namedtuple\nP = namedtuple('P', 'a b')\ndef f(): return P(1, 2)",
        "assert f() == (1, 2)",
    ),
    "printing": ("def f():\n  print('x' * 10 ** 6)\n  return 1", "assert f() == 1"),
    "a counter is a dictionary": (
        "from collections import Counter\ndef f(): return Counter('aab')",
        "assert f()['a'] == 2",
    ),
    "recursion": ("def f(n): return n and f(n - 1)", "assert f(900) == 0"),
    "windows line ends": ("def f(x):\r\n\treturn x", "assert f(1) == 1\r\nassert f(2) == 2"),
    "hashes and codecs": (
        "import hashlib\ndef f(): return hashlib.md5(b'').hexdigest()[:4] + hashlib.sha256(b'').hexdigest()[:2]",
        "assert f() == 'd41de3' and 'é'.encode('latin-1') == b'\\xe9'",
    ),
    "dates": ("import datetime\ndef f(s): return datetime.datetime.strptime(s, '%Y')", "assert f('2020').year == 2020"),
}
WRONG = {
    "a wrong value": ("def f(x): return x", "assert f(1) == 2"),
    "wrong once": ("def f(x): return 2", "assert f(1) == 2\nassert f(2) == 3"),
    "another type": ("def f(x): return [x]", "assert f(1) == (1,)"),
    "an object for a value": ("class A: pass\ndef f(): return A()", "assert f()"),
    "the function for its value": ("def f(): return f", "assert f() == 1"),
    "a syntax error": ("def f(x) return x", "assert f(1) == 1"),
    "an error at import": ("def f(x): return x\n1 / 0", "assert f(1) == 1"),
    "a missing name": ("def g(x): return x", "assert f(1) == 1"),
    "an error": ("def f(x): return x / 0", "assert f(1) == 1"),
    "tests that are no python": ("def f(x): return x", "assert f(1) =="),
    "not a number": ("def f(x): return float('nan')", "assert abs(f(1) - 1) < 1"),
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_programs_pass(name: str) -> None:
    assert passes(*RIGHT[name])


@pytest.mark.parametrize("name", WRONG)
def test_wrong_programs_fail(name: str) -> None:
    assert not passes(*WRONG[name])


def test_arguments_are_copies() -> None:
    """A program that changes its arguments cannot change what the tests compare with."""
    program = "def f(a, b):\n  b.clear(); b.extend(a); a.append(0)\n  return len(a)"
    assert passes(program, "a, b = [1], [2]\nassert f(a, b) == 2\nassert (a, b) == ([1], [2])")


def test_code_that_tests_build_on_is_not_the_program_s() -> None:
    """HumanEval/50 decodes what a helper encodes: a program that replaces both would pass in one process."""
    given = "def code(x): return x + 3\ndef f(x): return None"
    cheat = "def code(x): return x\ndef f(x): return x"
    assert passes("def f(x): return x - 3", "assert f(code(5)) == 5", given=given, names=("f",))
    assert not passes(cheat, "assert f(code(5)) == 5", given=given, names=("f",))
    assert passes(cheat, "assert f(code(5)) == 5")


def test_the_order_of_sets_and_chance_are_the_same_every_time() -> None:
    program = "import random\ndef f(): return [*{'a', 'b', 'c', 'd', 'e', 'f'}], random.random()"
    first = call(program, "f", [])
    other = Jail()
    assert first is not FAILED
    assert first == call(program, "f", [])
    given = f"assert f() == {first!r}"
    job = {"program": program, "tests": given, "given": "", "names": ("f",), "modules": ()}
    assert other.talk(PAIR, 1, lambda line: (line.tell(job), line.read(6))[1]) == b"passed"
    other.close()


@pytest.mark.parametrize(
    ("tests", "names", "modules"),
    [
        ("assert f(1) == 2", ("f",), ()),
        ("assert g(f(1), A(2)) == len([3])", ("A", "f", "g"), ()),
        ("assert sum(1, 2) == max(3)", ("sum",), ()),
        ("assert set(f(1)) == set()", ("f",), ()),
        ("def check(c):\n  assert c(1) == 1\ncheck(f)", ("f",), ()),
        ("assert isclose(math.pi, f(x=re.I))", ("f", "isclose"), ("math", "re")),
        ("import string as s\nfor a, b in []: f(a, b, s)\nexcept_ = [c for c in 'x']", ("f",), ()),
        ("try:\n  f()\nexcept E as e:\n  e", ("E", "f"), ()),
        ("no python at all", (), ()),
        ("\0", (), ()),
        ("", (), ()),
    ],
)
def test_what_tests_ask_for(tests: str, names: tuple[str, ...], modules: tuple[str, ...]) -> None:
    assert asks(tests) == (names, modules)


@pytest.mark.parametrize(
    ("program", "cases", "right"),
    [
        ("print(int(input()) + 1)", [("1\n", "2\n"), ("2", "3")], True),
        ("print(int(input()) + 1)", [("1", "2"), ("2", "2")], False),
        ("import sys\nfor line in sys.stdin: print(line.strip()[::-1])", [("ab\ncd\n", "ba \ndc\n\n")], True),
        ("import sys\ndata = sys.stdin.buffer.read()\nsys.stdout.buffer.write(data)", [("é\n", "é")], True),
        ("import sys\nprint(1)\nsys.exit()\nprint(2)", [("", "1")], True),
        ("print(1)\nexit()\nprint(2)", [("", "1")], True),
        ("print(1)\nquit(0)", [("", "1")], True),
        ("print(1)\nexit(3)", [("", "1")], False),  # to a judge, any other code is an error
        ("import sys\nprint(1)\nsys.exit('no')", [("", "1")], False),
        ("if __name__ == '__main__':\n  print(input())", [("x", "x")], True),
        ("print(1)\n1 / 0", [("", "1")], False),
        ("print('a' * 2 ** 21)", [("", "a" * 2**21)], False),
        ("input()", [("", "")], False),
        ("n = 0\nprint(n)\nn = 1", [("", "0"), ("", "0")], True),
    ],
)
def test_programs_that_read_and_print(program: str, cases: list[tuple[str, str]], right: bool) -> None:
    assert prints(program, cases) is right


STREAMS = {
    "open(0)": "print(open(0).read(), end='')",
    "open(0) in binary": "print(open(0, 'rb').read().decode(), end='')",
    "lines of open(0)": "for line in open(0): print(line, end='')",
    "closed after use": "with open(0) as file: text = file.read()\nprint(text)",
    "sys.stdin = open(0)": "import sys\nsys.stdin = open(0)\nprint(input()); print(input())",
    "os.read": "import os\nprint(os.read(0, 9).decode())",
    "os.read of os.fstat": "import os\nprint(os.read(0, os.fstat(0).st_size).decode())",
    "os.write": "import os, sys\nos.write(1, sys.stdin.read().encode())",
    "os.fdopen": "import os\nos.fdopen(1, 'w').write(os.fdopen(0).read())",
    "sys.__stdin__": "import sys\nsys.__stdout__.write(sys.__stdin__.read())",
    "fileinput": "import fileinput\nfor line in fileinput.input(): print(line, end='')",
    "/dev/stdin": "print(open('/dev/stdin').read())",
    "a wrapped buffer": "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer)\nprint(sys.stdin.read())",
    "print to open(1)": "import sys\nprint(sys.stdin.read(), file=open(1, 'w'))",
    "descriptors": "import sys\nassert [sys.stdin.fileno(), sys.stdout.fileno()] == [0, 1]\nprint(sys.stdin.read())",
}


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_found_by_every_name(name: str) -> None:
    assert prints(STREAMS[name], [("a\nb\n", "a\nb"), ("c\nd", "c\nd")])


def test_what_goes_elsewhere_is_not_printed() -> None:
    assert prints("import os, sys\nos.write(2, b'x')\nprint('x', file=sys.stderr)\nprint(1)", [("", "1")])
    assert not prints("import io, sys\nsys.stdout = io.StringIO()\nprint(1)", [("", "1")])


def test_other_files_stay_closed() -> None:
    for name in ("/etc/passwd", "3", ".", "/dev/stdin/x"):
        assert not prints(f"print(open({name!r}).read())\nprint(1)", [("", "1")])
    assert not prints("import os\nos.read(4, 1)\nprint(1)", [("", "1")])


VALUES = [
    None, True, -(10**400), 1.5, float("inf"), "é\ud800", b"\0", [1, [2]], (1,), {"a": (1, 2)}, {1, 2}, frozenset({1}),
]  # fmt: skip
RICH = [
    1j, bytearray(b"a"), range(3), Decimal("1.50"), Fraction(1, 3), date(2020, 1, 2),
    datetime(2020, 1, 2, 3, tzinfo=UTC), timedelta(1), int,
]  # fmt: skip


def test_plain_values_cross() -> None:
    assert call("def f(*a): return list(a)", "f", VALUES) == VALUES


@pytest.mark.parametrize("value", RICH, ids=repr)
def test_richer_values_cross_between_the_two_processes_but_not_to_the_trainer(value: object) -> None:
    assert call("def f(x): return x", "f", [value]) is FAILED
    assert call("def f(x): return str(type(x))", "f", [value]) == str(type(value))
    given = "from decimal import Decimal\nfrom fractions import Fraction\nimport datetime"
    assert passes(
        "def f(x): return x", f"assert f({value!r}) == {value!r}".replace("<class 'int'>", "int"), given=given
    )


def test_a_call_that_fails_is_no_value() -> None:
    assert call("def f(): return 1 / 0", "f", []) is FAILED
    assert call("def f(): return {i: 0 for i in range(10 ** 5)}", "f", []) is FAILED  # keys could collide
    assert evaluate("x +", "x", [1], seconds=0.3) is FAILED
    assert evaluate("x * 2", "x", [1, 2], seconds=0.3) == [2, 4]


def test_programs_of_any_text_are_only_wrong() -> None:
    rng = random.Random(0)
    letters = "defx():\n return=+[]{}'\"\\\0\té\ud800@#"
    for _ in range(60):
        text = "".join(rng.choice(letters) for _ in range(rng.randrange(80)))
        assert passes(text, "assert f(1) == 2") is False
