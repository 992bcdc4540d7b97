"""Programs that try to get out, to read what they must not, or to decide their own score: all score 0.

Every program here is worth 1 exactly when its attack works. After each, no process is left, the trainer's
process is as before, and the next honest program passes. Variants that would hurt this machine if the jail
failed are not run: signals are number 0, forks end at once.
"""

import os
import socket
import time
from pathlib import Path

import pytest

from tasks._jail import programs
from tasks._jail.programs import passes

TESTS = "assert f(1) == 2\nassert f(41) == 42\nassert f(-1000) == -999"
SECONDS = 0.4
HONEST = "def f(x):\n    return x + 1"
WIN = "return x + 1"
LOSE = "return None"
LIBC = """
import sys
def every(kind):
    for sub in type.__subclasses__(kind):
        yield sub
        yield from every(sub)
def named(name):
    return [c for c in every(object) if c.__name__ == name][0]
def libc():
    return named("CDLL")(None, use_errno=True)
"""
"""Finds ctypes through the class tree: raw system calls, and the process's own memory."""


def doing(body: str) -> str:
    """A program that returns the right value if `body` raises nothing."""
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return f"{LIBC}\ndef f(x):\n{lines}\n    {WIN}"


TRAINER = os.getpid()
RESOURCES = {
    "infinite loop": doing("while True: pass"),
    "loop in C": doing("7 ** (10 ** 9)"),
    "three gigabytes": doing("a = bytearray(3 * 2 ** 30)\na[::4096] = a[::4096]"),
    "memory in pieces": doing("a = []\nwhile len(a) < 3000: a.append(bytearray(2 ** 20))"),
    "deep recursion": doing("def g(n): return g(n + 1)\ng(0)"),
    "deep recursion without a limit": doing(
        "sys.setrecursionlimit(10 ** 9)\nclass A:\n  def __repr__(self): return repr(self)\nrepr(A())"
    ),
    "regular expression": doing("import re\nre.match('(a+)+$', 'a' * 60 + 'b')"),
    "sleep": doing("import time\ntime.sleep(0.01)"),
    "infinite output": doing("while True: print('a' * 1000)"),
    "infinite output below python": doing("import os\nwhile True: os.write(1, b'a' * 4096)"),
    "threads": doing("import threading\nthreading.Thread(target=lambda: None).start()"),
    "brackets": "(" * 50_000 + ")" * 50_000 + "\n" + HONEST,
}
REACHING = {
    "file write": doing("open('/tmp/balancebench_attack', 'w').write('x')"),
    "read the tests": doing(f"open({str(Path(__file__))!r}).read()"),
    "list a folder": doing("import os\nos.listdir('/')"),
    "tcp connect": doing("s = named('socket')(2, 1)\ns.connect(('127.0.0.1', {port}))"),
    "socket by number": doing("assert libc().socket(2, 1, 0) >= 0"),
    "fork 64 times": doing("import os\nfor _ in range(64):\n    if os.fork() == 0: os._exit(0)"),
    "fork by number": doing("assert libc().fork() >= 0"),
    "kill the trainer": doing(f"import os\nos.kill({TRAINER}, 0)"),
    "kill the parent": doing("import os\nos.kill(os.getppid(), 0)"),
    "kill the server": doing("import os\nos.kill({server}, 0)"),
    "kill by number": doing("assert libc().kill({server}, 0) == 0"),
    "secret in the environment": doing("import os\nassert os.environ['SECRET']"),
    "any environment": doing("import os\nassert os.environ"),
    "shell": doing("import os\nassert os.system('true') == 0"),
    "exec": doing("import os\nos.execv('/bin/true', ['true'])"),
    "spawn": doing("import os\nos.posix_spawn('/bin/true', ['true'], {})"),
    "subprocess": doing("import subprocess\nsubprocess.run(['true'])"),
    "environment of the trainer": doing(f"assert open('/proc/{TRAINER}/environ', 'rb').read()"),
    "memory of the server": doing("assert libc().process_vm_readv({server}, bytes(16), 0, bytes(16), 0, 0) >= 0"),
    "trace the server": doing("assert libc().ptrace(16, {server}, 0, 0) == 0"),
    "be traced": doing("assert libc().ptrace(0, 0, 0, 0) == 0"),
    "executable memory": doing("assert libc().mmap(0, 4096, 7, 34, -1, 0) & 0xffffffff != 0xffffffff"),
    "io_uring": doing("assert libc().syscall(425, 1, bytes(120)) >= 0"),
    "a filter of its own": doing("assert libc().prctl(22, 1, 0, 0, 0) == 0"),
    "root again": doing("import os\nos.setuid(0)"),
    "larger limits": doing("a = named('CDLL')(None).setrlimit(9, (2 ** 40).to_bytes(8, 'little') * 2)\nassert a == 0"),
    "import what is not there": doing("import numpy"),
    "import from a string": doing("import sys\nsys.path.insert(0, '/usr/lib/python3')\nimport antigravity"),
    "keyboard": doing("input()"),
}
CRASHES = {
    "os._exit": doing("import os\nos._exit(0)"),
    "null pointer": doing("import sys\nnamed('CDLL')(None).memset(0, 0, 1)"),
    "abort": doing("import os\nos.abort()"),
    "twenty megabytes returned": "def f(x): return 'a' * 20_000_000",
    "a huge number returned": "def f(x): return 1 << 200_000_000",
    "close everything": doing("import os\nos.closerange(0, 100)"),
}
FORGERY = {  # those that look for the tests' text look backwards, so as not to find their own
    "exit at import": f"{HONEST}\nimport sys\nsys.exit(0)",
    "exit in the call": "import sys\ndef f(x): sys.exit(0)",
    "os._exit at import": f"{HONEST}\nimport os\nos._exit(0)",
    "system exit of its own": "class E(SystemExit): pass\ndef f(x): raise E(0)",
    "keyboard interrupt": "def f(x): raise KeyboardInterrupt",
    "generator exit": "def f(x): raise GeneratorExit",
    "stop iteration": "def f(x): raise StopIteration",
    "equal to everything": "class A:\n  def __eq__(self, o): return True\n  def __ne__(self, o): return False\n"
    "def f(x): return A()",
    "a number equal to everything": "class A(int):\n  def __eq__(self, o): return True\n  __hash__ = None\n"
    "def f(x): return A(0)",
    "text equal to everything": "class A(str):\n  def __eq__(self, o): return True\ndef f(x): return A('no')",
    "a list equal to everything": "class A(list):\n  def __eq__(self, o): return True\ndef f(x): return A()",
    "a lying class": "class A:\n  __class__ = int\n  def __index__(self): return 2\n  __int__ = __index__\n"
    "def f(x): return A()",
    "reduce": "class A:\n  def __reduce__(self): return (eval, ('x + 1',))\ndef f(x): return A()",
    "a metaclass": "class M(type):\n  def __eq__(c, o): return True\n  def __instancecheck__(c, o): return True\n"
    "class A(metaclass=M): pass\ndef f(x): return A",
    "patched builtins": "import builtins\nbuiltins.AssertionError = None\nbuiltins.len = builtins.abs = lambda *a: 0\n"
    "builtins.__build_class__ = None\nbuiltins.__import__ = None\ndef f(x): return 0",
    "patched assert": "import builtins\nclass E(Exception):\n  def __new__(c, *a): raise SystemExit\n"
    "builtins.AssertionError = E\ndef f(x): return 0",
    "patched comparison in operator": "import operator\noperator.eq = lambda a, b: True\ndef f(x): return 0",
    "frames": "import sys\ndef f(x):\n  n = 0\n  while True:\n    try: frame = sys._getframe(n)\n"
    "    except ValueError: return None\n    for space in (frame.f_locals, frame.f_globals):\n"
    "      for value in list(space.values()):\n        if '14(f tressa' in str(value)[::-1]: return x + 1\n    n += 1",
    "all objects": "import gc\ndef f(x):\n  for o in gc.get_objects():\n    if isinstance(o, (dict, list, tuple)):\n"
    "      for v in (o.values() if isinstance(o, dict) else o):\n"
    "        if isinstance(v, (str, bytes)) and '14(f tressa' in str(v)[::-1]: return x + 1\n  return None",
    "trace function": "import sys\nsys.settrace(lambda *a: None)\nsys.setprofile(lambda *a: None)\ndef f(x): return 0",
    "the verdict on every descriptor": "import os\nfor n in range(64):\n  try: os.write(n, b'passed')\n"
    "  except OSError: pass\ndef f(x): return None",
    "ready and the verdict": "import os\nfor n in range(64):\n  try: os.write(n, b'+passed')\n"
    "  except OSError: pass\ndef f(x): return None",
    "answers before the questions": "import os\nfor n in range(64):\n  for _ in range(9):\n"
    "    try: os.write(n, b'\\x15\\0\\0\\0t\\x02\\0\\0\\0s\\x05\\0\\0\\0valuei\\x01\\0\\0\\0\\x02')\n"
    "    except OSError: pass\n"
    "def f(x): return None",
    "a message without an end": "import os\nfor n in range(64):\n  try: os.write(n, b'\\xff\\xff\\xff\\xff')\n"
    "  except OSError: pass\ndef f(x): return None",
    "a message that names a number": "import os\nos.write(3, b'\\x0a\\0\\0\\0oi\\x01\\0\\0\\0\\x09')\n"
    "def f(x): return None",
    "a cycle": "a = []\na.append(a)\ndef f(x): return a",
    "a deep list": "def f(x):\n  a = []\n  for _ in range(100_000): a = [a]\n  return a",
    "a dictionary that holds itself": "a = {}\na[0] = a\ndef f(x): return a",
    "many equal hashes": "def f(x): return {i * (2 ** 61 - 1) for i in range(100_000)}",
    "an iterator without an end": "import itertools\ndef f(x): return itertools.count()",
    "an error with a hostile text": "class E(ValueError):\n  def __str__(self): raise SystemExit\n"
    "def f(x): raise E(E())",
    "an error that is no error": "def f(x): raise type('AssertionError', (BaseException,), {})",
    "its own serialiser": "import sys\nfor m in [*sys.modules.values()]:\n  if hasattr(m, 'encode'): m.encode = None\n"
    "def f(x): return object()",
    "a finaliser": "class A:\n  def __del__(self):\n    while True: pass\ndef f(x): return A()",
    "names of the tests": "def f(x): return expected\ndef __getattr__(n): return 2",
    "no function": "f = 2",
    "no program": "",
    "a null byte": f"{HONEST}\n\0",
    "a surrogate": f"{HONEST}\n'\ud800'",
}
ATTACKS = RESOURCES | REACHING | CRASHES | FORGERY


@pytest.fixture(scope="module", autouse=True)
def started() -> None:
    """Start the server once, with a secret in its parent's environment."""
    os.environ["SECRET"] = "x"
    assert passes(HONEST, TESTS)
    del os.environ["SECRET"]


def server() -> int:
    assert programs._JAIL.server is not None
    return programs._JAIL.server.pid


def children(process: int) -> list[str]:
    return [
        child for task in Path(f"/proc/{process}/task").iterdir() for child in (task / "children").read_text().split()
    ]


def descriptors() -> int:
    """How many this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def run(name: str) -> bool:
    program = ATTACKS[name]
    if "{port}" not in program and "{server}" not in program:
        return passes(program, TESTS, seconds=SECONDS)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        program = program.replace("{port}", str(listener.getsockname()[1])).replace("{server}", str(server()))
        won = passes(program, TESTS, seconds=SECONDS)
        listener.setblocking(False)
        with pytest.raises(BlockingIOError):
            listener.accept()
        return won


@pytest.mark.parametrize("name", ATTACKS)
def test_it_scores_nothing_and_leaves_nothing(name: str) -> None:
    before, opened = server(), descriptors()
    begin = time.monotonic()
    assert run(name) is False
    assert time.monotonic() - begin < 4
    assert server() == before, "the server must survive"
    assert children(before) == [], "every child must be gone"
    assert descriptors() == opened
    assert not Path("/tmp/balancebench_attack").exists()
    assert passes(HONEST, TESTS), "the next honest program must pass"


def test_the_criterion_can_be_met() -> None:
    """The attacks are worth 1 if they work: without an attack in it, the same program passes."""
    assert passes(doing("pass"), TESTS)
    assert passes(doing("assert named('CDLL') and named('socket')"), TESTS), "what the attacks start from is there"
    assert passes(doing("assert libc().getpid() > 0"), TESTS), "an allowed system call works"


def test_what_a_program_breaks_stays_in_its_own_process() -> None:
    passes("import math, random\nmath.sqrt = None\nrandom.seed(1)\ndef f(x): return x", "assert f(1) == 1")
    assert passes("import math\ndef f(x): return math.sqrt(x)", "assert f(4) == 2")


def test_a_loop_that_ignores_signals_is_ended() -> None:
    program = doing("s = libc()\nfor n in range(1, 32): s.signal(n, 1)\nwhile True: pass")
    assert not passes(program, TESTS, seconds=SECONDS)
    assert children(server()) == []
