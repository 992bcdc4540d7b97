"""Model-written expressions: what works, and that nothing gets out."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic_monty import MontyCrashedError

from tasks import _sandbox
from tasks._sandbox import evaluate

ROOT = Path(__file__).parents[2]

RIGHT = [
    ("x+1", [1, 2, 3]),
    (" x * x - 2\n", [-2, -1, 2]),
    ("sum(i*x for i in range(3))", [0, 3, 6]),
    ("(lambda y: -y)(x)", [0, -1, -2]),
    ("x if x else 7  # a comment", [7, 1, 2]),
]
NO_INTEGERS = [
    "x/1",
    "x*1.0",
    "x==x",
    "str(x)",
    "[x]",
    "x,",
    "None",
    "lambda: x",
    "{x}",
    "max",
    "(i for i in [x])",
]
NO_EXPRESSION = [
    "", " ", "x+", "x=1", "import os", "x;x", "y:=x", ")(", "x)#", "\0", "x\0", "é", "٣", "\ud800", "pass",
    "x\nx", "0)\nimport os\n(x", "0);import os;(x", "0)\nf = lambda x: (x",
]  # fmt: skip
EXHAUSTING = {
    "endless iterator": "[0 for _ in iter(lambda: 0, 1) if 0]",
    "endless search": "max(range(10**18))",
    "generator": "all(i for i in range(1, 10**18))",
    "generator of generators": "sum(sum(i for i in range(10**9)) for _ in range(10**9))",
    "nested loops": "[0 for a in range(10**9) for b in range(10**9) if 0]",
    "exponential recursion": "(lambda f, n: f(f, n))(lambda f, n: n and f(f, n-1) + f(f, n-1), 90)",
    "deep recursion": "(lambda f: f(f))(lambda f: f(f))",
    "power": "10**10**9",
    "power of powers": "[(7**10**5)**10**5 for _ in range(10**6)]",
    "factorial": "__import__('math').factorial(10**9)",
    "shift": "1 << 10**12",
    "list": "[0] * 10**10",
    "text": "len('a' * 10**10)",
    "nested lists": "[[[[0] * 1000 for _ in range(1000)] for _ in range(1000)] for _ in range(1000)]",
    "padding": "len('%0999999999d' % x)",
    "f-string padding": "len(f'{x:999999999}')",
    "digits": "len(str(7**10**7))",
    "regular expression": "__import__('re').match('(a+)+$', 'a' * 50 + 'b')",
    "output at once": "print('a' * 20_000_000)",
    "output in pieces": "[print('a' * 1000) for _ in range(20_000)]",
    "output without end": "[print(x) for _ in range(10**12)]",
    "brackets": "(" * 10_000 + "x" + ")" * 10_000,
    "open brackets": "[" * 100_000,
    "signs": "-" * 100_000 + "x",
    "a megabyte": "x+" * 500_000 + "x",
    "nested eval": "eval('eval(' * 5000)",
    "sleep": "__import__('time').sleep(100)",
}
REACHING_OUT = {
    "import": "__import__('os').getpid()",
    "exit": "exit()",
    "exit of the process": "__import__('os')._exit(0)",
    "kill": "__import__('os').kill(__import__('os').getppid(), 9)",
    "subclasses": "len(().__class__.__base__.__subclasses__())",
    "globals of a function": "len((lambda: 0).__globals__)",
    "builtins": "len(__builtins__.__dict__)",
    "frames": "(i for i in [1]).gi_frame.f_back.f_lineno",
    "environment": "len(__import__('os').environ)",
    "memory of the caller": "__import__('ctypes').string_at(id(x), 8)[0]",
    "keyboard": "int(input())",
    "debugger": "breakpoint()",
    "expected outputs": "outputs[0]",
    "all inputs": "inputs[0]",
    "its own text": "len(expression)",
}
HOSTILE = EXHAUSTING | REACHING_OUT


@pytest.fixture(scope="module", autouse=True)
def started() -> None:
    """Start the worker once: what follows is bounded without the start."""
    assert evaluate("x", "x", [1]) == [1]


@pytest.mark.parametrize(("expression", "values"), RIGHT)
def test_expressions_give_their_values(expression: str, values: list[int]) -> None:
    assert evaluate(expression, "x", [0, 1, 2]) == values


@pytest.mark.parametrize("expression", NO_INTEGERS)
def test_only_integers_count(expression: str) -> None:
    """True == 1 and 1.0 == 1 in Python, but neither is an integer output."""
    assert evaluate(expression, "x", [1, 2]) is None


@pytest.mark.parametrize("expression", NO_EXPRESSION, ids=ascii)
def test_only_single_expressions_count(expression: str) -> None:
    assert evaluate(expression, "x", [1, 2]) is None


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_code_ends_in_nothing_and_in_time(name: str) -> None:
    begin = time.monotonic()
    assert evaluate(HOSTILE[name], "x", [3, 4]) is None
    assert time.monotonic() - begin < 1
    assert evaluate("x+1", "x", [3, 4]) == [4, 5], "the worker must serve the next expression"


def test_one_bad_input_spoils_all() -> None:
    assert evaluate("6//x", "x", [1, 2]) == [6, 3]
    assert evaluate("6//x", "x", [1, 0]) is None


def test_nothing_is_kept_between_expressions() -> None:
    evaluate("[y := x, x][1]", "x", [5])
    assert evaluate("y", "x", [1]) is None


def test_files_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("12345")
    assert evaluate(f"int(open({str(tmp_path / 'secret')!r}).read())", "x", [1]) is None
    assert evaluate(f"len(__import__('pathlib').Path({str(tmp_path)!r}).read_text())", "x", [1]) is None


def test_files_cannot_be_written(tmp_path: Path) -> None:
    target = tmp_path / "out"
    evaluate(f"open({str(target)!r}, 'w').write('x')", "x", [1])
    evaluate(f"__import__('os').system('touch {target}')", "x", [1])
    evaluate(f"__import__('subprocess').run(['touch', {str(target)!r}])", "x", [1])
    assert not target.exists()


def test_the_network_cannot_be_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        evaluate(f"__import__('socket').create_connection(('127.0.0.1', {port}))", "x", [1])
        server.setblocking(False)
        with pytest.raises(BlockingIOError):
            server.accept()


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds the worker in /proc")


def _children() -> list[int]:
    lists = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(number) for text in lists for number in text.read_text().split()]


def _kill_worker() -> None:
    for child in _children():
        if "monty" in Path(f"/proc/{child}/comm").read_text():
            os.kill(child, signal.SIGKILL)


@needs_proc
def test_a_worker_killed_while_idle_costs_no_right_reply() -> None:
    _kill_worker()
    assert evaluate("x+1", "x", [1]) == [2]


@needs_proc
def test_a_worker_killed_at_work_costs_no_right_reply(monkeypatch: pytest.MonkeyPatch) -> None:
    killer = threading.Timer(0.05, _kill_worker)
    killer.start()
    with pytest.raises(MontyCrashedError) as crash:
        _sandbox._run(_sandbox._pool(), "max(range(10**18))", "x", [1])
    killer.join()
    run, crashes = _sandbox._run, [crash.value]

    def crash_once(*given: Any) -> list[int]:
        if crashes:
            raise crashes.pop()
        return run(*given)

    monkeypatch.setattr(_sandbox, "_run", crash_once)
    assert evaluate("x+1", "x", [1]) == [2]


def _python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints, on either stream."""
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return result.stdout + result.stderr


FORKING = """
import os
from tasks._sandbox import evaluate
evaluate("x", "x", [1])
child = os.fork()
if child == 0:
    try:
        evaluate("x", "x", [1])
    except RuntimeError:
        os._exit(7)
    os._exit(0)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), evaluate("x+1", "x", [1]))
"""


def test_a_forked_child_is_refused_and_the_parent_is_well() -> None:
    """Sharing the worker would hang the child and spoil the parent's next reply."""
    assert _python(FORKING).strip() == "7 [2]"


@pytest.mark.parametrize("binary", ["/nonexistent", "/bin/true"])
def test_a_sandbox_that_does_not_start_is_an_error_not_a_wrong_reply(binary: str) -> None:
    printed = _python("from tasks._sandbox import evaluate; evaluate('x', 'x', [1])", MONTY_BIN=binary)
    assert "UserError: the sandbox does not start" in printed
    assert "pip install" in printed


WITHOUT = "import sys; sys.modules['pydantic_monty'] = None\nfrom tasks._sandbox import evaluate\n"


def test_without_the_package_the_jail_stands_in_and_says_so() -> None:
    code = WITHOUT + "print(evaluate('x+1', 'x', [1, 2]), evaluate('x/1', 'x', [1]), evaluate('open(0)', 'x', [1]))"
    assert _python(code).strip() == "[2, 3] None None"
    said = _python("import warnings; warnings.simplefilter('error')\n" + code, PYTHONWARNINGS="")
    assert "RuntimeWarning: pydantic-monty is not installed: expressions run in the jail, with landlock" in said


def test_without_any_sandbox_nothing_is_executed() -> None:
    code = "from tasks._jail.programs import _JAIL; _JAIL.layers = ()\n" + WITHOUT + "evaluate('x', 'x', [1])"
    assert "UserError: model-written code cannot be locked in here" in _python(code)


def test_a_right_expression_is_far_below_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine must not turn right replies into wrong ones: a tenth of the time suffices."""
    monkeypatch.setattr(_sandbox, "SECONDS", _sandbox.SECONDS / 10)
    assert evaluate("9*x+9", "x", list(range(8))) == [9 * x + 9 for x in range(8)]
