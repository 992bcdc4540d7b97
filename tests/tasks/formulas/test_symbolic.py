"""Formulas compared in a process of its own: that no answer takes long, costs memory or leaves a process."""

import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.errors import UserError
from tasks._formulas import symbolic
from tasks._formulas.symbolic import equal, same

ROOT = Path(__file__).parents[3]

EQUAL = [
    (r"\sqrt{8}", r"2\sqrt{2}"),
    ("x+1", "1+x"),
    ("2(x+1)", "2x+2"),
    (r"\frac{\sqrt{3}}{3}", r"\frac{1}{\sqrt{3}}"),
    (r"\frac{\pi}{2}", r"\pi/2"),
    (r"\frac{\pi}{2}", r"0.5\pi"),
    ("5", r"\sqrt{25}"),
    ("1024", "2^{10}"),
    ("120", "5!"),
    (r"2\frac{1}{2}", "2.5"),
    ("1,2", "2,1"),
    (r"\{1,2\}", "2, 1"),
    (r"19\text{ and }43", "19, 43"),
    (r"\pm 2", "2,-2"),
    ("2x+3y=6", "4x+6y=12"),
    ("3+4i", "4i+3"),
    (r"[0,1)\cup(1,2]", r"(1,2] \cup [0,1)"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{bmatrix}1\\2\end{bmatrix}"),
    (r"\sqrt{2}", "1.41421356"),  # a decimal of a formula counts from six places on
    ("1.6e-19", r"16\times10^{-20}"),
    (r"1 - \frac{1}{\mathrm{e}}", "(e-1)/e"),
    (r"x \in [0,1]", r"0 \le x \le 1"),
    ("x^2 + y^2 = 13", "13 - y^2 = x^2"),
]
UNEQUAL = [
    ("(1,2)", "[1,2]"),  # an open interval or a point against a closed interval
    ("[1,2]", "(1,2)"),
    ("(1,2]", "(1,2)"),
    (r"\sqrt{2}", "1.41"),
    (r"\sqrt{2}", r"\sqrt{3}"),
    ("x+1", "y+1"),
    ("5", "4, 5"),  # two guesses are none
    ("5", "5 or 6"),
    ("5", r"\pm 5"),
    ("5", r"\{5,6\}"),
    (r"\sqrt{2}", r"\sqrt{2},\sqrt{3}"),
    (r"\infty", r"-\infty"),
    (r"\begin{pmatrix}1\\2\end{pmatrix}", r"\begin{pmatrix}2\\1\end{pmatrix}"),
    ("x^2 + y^2 = 13", "13"),
    (r"\frac{1}{2^{60}}", r"\frac{1}{2^{61}}"),
    ("e^{-40}", "e^{-50}"),
    ("7", "5 @ 7"),
    ("7", r"\geq 7"),
    ("2", r"100+\frac\pi 2"),
    ("a + b + c", "a + b - c"),
    (r"1, 2, \ldots, n", r"1, 3, 5, \ldots, 2n-1"),
]
HOSTILE = {
    "a megabyte of digits": "9" * 1_000_000,
    "300 digits": "9" * 300,
    "power tower": "9^{9^{9^{9}}}",
    "power tower in plain text": "9^9^9^9",
    "factorial": "1000000!",
    "binomial": r"\binom{10^9}{5\cdot 10^8}",
    "set of 5,000": r"\{" + ",".join(map(str, range(5000))) + r"\}",
    "2,000 terms": "+".join(f"x^{{{power}}}" for power in range(2000)),
    "deep brackets": "(" * 145 + "1" + ")" * 145,
    "deep fractions": r"\frac{1}{" * 30 + "2" + "}" * 30,
    "deep roots": r"\sqrt{" * 40 + "2" + "}" * 40,
    "equation": "x^5-x-1=0",
    "huge exponent": "1e999999",
    "unbalanced": "{" * 100,
    "closing": "}" * 100,
    "boxes": r"\boxed{" * 40,
    "dollars": "$1$," * 70,
    "anchors": "answer:" * 40,
    "every byte": bytes(range(256)).decode("latin1"),
    "a zero byte": "\0",
    "half a character": "\ud800",
    "empty": "",
    "spaces": " " * 300,
    "a program": "__import__('os').system('true')",
}
MORE = {
    "power of a sum": "(x+y+z+1)^{200}",
    "root tower": r"\sqrt{2}^{\sqrt{2}^{\sqrt{2}^{99999}}}",
    "factorials": "((((9!)!)!)!)!",
    "set of 90": r"\{" + ",".join(map(str, range(90))) + r"\}",
    "45 terms": "+".join(f"x^{{{power}}}" for power in range(45)),
    "product": r"\prod_{n=1}^{1000000} n",
    "sum": r"\sum_{n=1}^{10^9} \frac{1}{n^n}",
    "integral": r"\int_0^1 \sin(x^x) dx",
    "limit": r"\lim_{x\to 0} \frac{\sin(\sin(\sin x))}{x^{17}}",
}
"""As hostile, and each takes its full second."""


@pytest.fixture(scope="module", autouse=True)
def started() -> None:
    """Start the worker once: what follows is bounded without the start."""
    assert equal("x+y", "y+x")


@pytest.mark.parametrize(("gold", "answer"), EQUAL)
def test_equal_formulas(gold: str, answer: str) -> None:
    assert same(gold, answer)


@pytest.mark.parametrize(("gold", "answer"), UNEQUAL)
def test_different_formulas(gold: str, answer: str) -> None:
    assert not same(gold, answer)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_are_wrong_in_time_and_harm_none_after(name: str) -> None:
    check_hostile(HOSTILE[name])


@pytest.mark.slow
@pytest.mark.parametrize("gold", [r"\frac{\pi}{2}", "x^2+1", r"\{1,2,3\}", "(1,2]", "5"])
@pytest.mark.parametrize("name", {**HOSTILE, **MORE})
def test_so_they_are_against_any_gold_answer(name: str, gold: str) -> None:
    check_hostile({**HOSTILE, **MORE}[name], gold)


def check_hostile(answer: str, gold: str = r"\frac{\pi}{2}") -> None:
    begin = time.monotonic()
    assert not same(gold, answer)
    assert time.monotonic() - begin < 1.2
    root = 2 + zlib.crc32(answer.encode("utf-8", "replace")) % 10**6  # a pair that is in no cache
    begin = time.monotonic()
    assert same(rf"\frac{{\sqrt{{{root}}}}}{{7}}", rf"\sqrt{{{root}}}/7")
    assert time.monotonic() - begin < 1.2, "the next child must be there"


def test_what_is_settled_by_spelling_never_reaches_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbolic, "_running", lambda: pytest.fail("the worker was asked"))
    assert same(r"\frac{1}{2}", "0.5")
    assert not same("1/3", "0.3333333")
    assert not same("5", "9" * 1_000_000)


def test_a_comparison_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert equal(r"\sqrt{12}", r"2\sqrt{3}")
    monkeypatch.setattr(symbolic, "_running", lambda: pytest.fail("the worker was asked again"))
    assert equal(r"\sqrt{12}", r"2\sqrt{3}")
    assert equal.cache_info().maxsize is not None


def test_replies_of_threads_are_not_mixed_up() -> None:
    verdicts: dict[int, bool] = {}

    def work(number: int) -> None:
        verdicts[number] = equal(rf"\sqrt{{{number}}}+1", rf"1+\sqrt{{{number + number % 2}}}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(10, 50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert verdicts == {number: number % 2 == 0 for number in range(10, 50)}


def _pid() -> int:
    assert symbolic._worker is not None
    return symbolic._worker.process.pid


def test_a_killed_worker_costs_no_right_reply() -> None:
    os.killpg(_pid(), signal.SIGKILL)
    assert same(r"\sqrt{18}", r"3\sqrt{2}")


def test_a_worker_killed_at_work_costs_no_right_reply() -> None:
    killer = threading.Timer(0.3, os.killpg, (_pid(), signal.SIGKILL))
    killer.start()
    assert not equal("7^{7^{7^{7}}}", "x^{2}")
    killer.join()
    assert same(r"\sqrt{20}", r"2\sqrt{5}")


def test_an_interrupt_from_the_keyboard_is_not_for_the_worker() -> None:
    """It goes to the process group of the terminal, and a trainer may go on after it."""
    assert os.getpgid(_pid()) != os.getpgid(0)


needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="finds processes in /proc")


def _workers() -> set[int]:
    """All processes that run the worker's file."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if b"_formulas/worker.py" in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue  # it ended meanwhile
    return found


def _soon_gone(before: set[int], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while _workers() - before and time.monotonic() < until:
        time.sleep(0.05)
    return not _workers() - before


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


ENDINGS = {
    "at its end": "",
    "by an error": "raise RuntimeError",
    "by a signal": "import os; os.kill(os.getpid(), 9)",
    "by a signal while a comparison runs": (
        "import os, threading; threading.Timer(0.3, os.kill, (os.getpid(), 9)).start(); equal('x', '9^{9^{9^{9}}}')"
    ),
}


@needs_proc
@pytest.mark.parametrize("ending", ENDINGS)
def test_no_process_is_left_behind(ending: str) -> None:
    before = _workers()
    _python(f"from tasks._formulas.symbolic import equal\nassert equal('x+y', 'y+x')\n{ENDINGS[ending]}")
    assert _soon_gone(before, seconds=4)


FORKING = """
import os
from tasks._formulas import symbolic
assert symbolic.equal("x+y", "y+x")
parent = symbolic._worker.process.pid
child = os.fork()
if child == 0:
    assert symbolic.equal("x+z", "z+x") and not symbolic.equal("x+z", "z-x")
    os._exit(7 if symbolic._worker.process.pid != parent else 8)
assert symbolic.equal("a+b", "b+a") and not symbolic.equal("a+b", "b-a")
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), symbolic._worker.process.pid == parent)
"""


@needs_proc
def test_a_forked_child_has_a_worker_of_its_own() -> None:
    """Sharing the pipe would mix up the replies of both."""
    before = _workers()
    done = _python(FORKING)
    assert done.stdout.split() == ["7", "True"], done.stderr
    assert _soon_gone(before, seconds=4)


def test_without_mpmath_nothing_is_scored() -> None:
    done = _python(
        "import sys; sys.modules['mpmath'] = None\nfrom tasks._formulas.symbolic import same; same('x+1', '1+x')"
    )
    assert "UserError: tasks with mathematical answers need mpmath" in done.stderr
    assert "pip install" in done.stderr


@pytest.fixture
def broken_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A worker that ends before it is ready, as with a broken installation."""
    (tmp_path / "worker.py").write_text("import sys; sys.exit(1)")
    monkeypatch.setattr(symbolic, "WORKER", tmp_path / "worker.py")
    symbolic._stop()
    yield
    symbolic._stop()


@pytest.mark.usefixtures("broken_worker")
def test_a_worker_that_does_not_start_is_an_error_not_a_wrong_reply() -> None:
    with pytest.raises(UserError, match=r"does not start.*pip install"):
        equal("x+17", "17+x")
