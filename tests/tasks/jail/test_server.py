"""The jail's server: it starts late, is replaced, ends with its client, and refuses where nothing protects."""

import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import pytest

from bench.errors import UserError
from tasks._jail import programs
from tasks._jail.client import Jail
from tasks._jail.programs import layers, passes
from tasks._jail.server import PAIR

ROOT = Path(__file__).parents[3]


def pid() -> int:
    layers()
    assert programs._JAIL.server is not None
    return programs._JAIL.server.pid


def test_a_server_that_was_killed_is_replaced() -> None:
    old = pid()
    os.kill(old, signal.SIGKILL)
    assert passes("def f(): return 1", "assert f() == 1")
    assert pid() != old


def test_a_server_killed_at_work_costs_no_right_program() -> None:
    killer = threading.Timer(0.2, os.kill, (pid(), signal.SIGKILL))
    killer.start()
    assert passes(
        "def f():\n  import time\n  t = time.time()\n  while time.time() < t + .5: pass\n  return 1", "assert f() == 1"
    )
    killer.join()


def test_threads_take_turns() -> None:
    seen: list[bool] = []
    work = [
        threading.Thread(target=lambda n=n: seen.append(passes(f"def f(): return {n}", f"assert f() == {n}")))
        for n in range(4)
    ]
    for thread in work:
        thread.start()
    for thread in work:
        thread.join()
    assert seen == [True] * 4


def python(code: str, **environment: str) -> str:
    """What a fresh interpreter prints, on either stream."""
    given = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=given, capture_output=True, text=True, timeout=60, check=False
    )
    return done.stdout + done.stderr


def test_a_forked_process_gets_a_server_of_its_own() -> None:
    code = """
import os
from tasks._jail.programs import passes
def ok(): return passes("def f(): return 1", "assert f() == 1")
assert ok()
child = os.fork()
if child == 0:
    os._exit(7 if ok() and ok() else 1)
print(ok(), os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), ok())
"""
    assert python(code).strip() == "True 7 True"


@pytest.mark.parametrize("end", ["os._exit(0)", "os.kill(os.getpid(), 9)", "pass"])
def test_the_server_ends_with_its_client(end: str) -> None:
    code = (
        "import os, threading, time\nfrom tasks._jail import programs\nprograms.layers()\n"
        "print(programs._JAIL.server.pid, flush=True)\n"
        "t = threading.Thread(target=programs.passes, args=('while True: pass', 'f()'), daemon=True)\nt.start()\n"
        f"time.sleep(.3)\n{end}"
    )
    server = int(python(code).split()[0])
    deadline = time.monotonic() + 10
    while Path(f"/proc/{server}/stat").exists() and time.monotonic() < deadline:
        if Path(f"/proc/{server}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
            break  # dead; nobody has collected it yet
        time.sleep(0.05)
    else:
        assert not Path(f"/proc/{server}").exists()


def test_a_server_that_does_not_start_is_an_error_not_a_wrong_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(RuntimeError, match="broke twice: the server does not start"):
        Jail().talk(PAIR, 1, lambda line: line.read(1))


def test_without_any_layer_it_refuses_unless_the_user_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    bare = Jail(layers=())
    with pytest.raises(UserError, match=r"neither seccomp nor Landlock .* unsafe_code=true\."):
        bare.talk(PAIR, 1, lambda line: line.read(1))
    assert bare.server is None
    monkeypatch.setenv("BALANCEBENCH_UNSAFE_CODE", "true")
    with pytest.warns(RuntimeWarning, match="runs without landlock and without seccomp"):
        bare.start()
    bare.close()


@pytest.mark.parametrize("layer", ["landlock", "seccomp"])
def test_one_layer_is_enough_and_the_other_s_absence_is_told(layer: str) -> None:
    one = Jail(layers=(layer,))
    with pytest.warns(RuntimeWarning, match=f"runs without {'seccomp' if layer == 'landlock' else 'landlock'}$"):
        one.start()
    assert one.active == (layer,)
    reading = {"program": "def f(): return open('/etc/hostname').read() or 'x'", "tests": "assert f()"}
    forking = {"program": "import os\ndef f():\n  if os.fork() == 0: os._exit(0)\n  return 1", "tests": "assert f()"}
    honest = {"program": "def f(): return 1", "tests": "assert f()"}
    for job, verdict in ((reading, False), (forking, False), (honest, True)):
        full = {**job, "given": "", "names": ("f",), "modules": ()}
        found = one.talk(PAIR, 1, lambda line, full=full: (line.tell(full), line.read(6))[1])
        assert (found == b"passed") is verdict
    one.close()


def test_this_machine_has_both_layers() -> None:
    """Else the attacks are not tested here; CI must run on a kernel that has them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert layers() == ("landlock", "seccomp")
