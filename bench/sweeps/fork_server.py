"""A process that loads the training stack once and forks every run from it: `python -m bench.sweeps.fork_server`.

Importing torch, transformers, TRL and lm-eval takes as long as a third of a small run. A forked run begins where a
fresh process is after its imports: no method, task or model is loaded before the fork, and threads, seeds and results
are those of a process of its own. Confined methods of all runs are forked from one server, which is forked from this
process before it hears of a run.

It reads one JSON document a line from its input: `{"run": KEY, "words": [...], "log": PATH}` begins a run, and
`{"signal": NUMBER, "run": KEY}` sends a signal to it and to all that it started. It writes `{"run": KEY, "code": CODE}`
when one ended. It ends when its input does, and the kernel kills its runs then.
"""

import ctypes
import importlib
import json
import os
import runpy
import select
import signal
import sys
from contextlib import suppress
from typing import Any, NoReturn

STACK = (
    "bench.run.session",
    "bench.run.record",
    "bench.training.stages",
    "bench.training.trl.grpo",
    "bench.training.trl.sft",
    "bench.evaluation.rewards",
)
"""What a run imports before it looks at its method."""
PR_SET_PDEATHSIG = 1
NO_RECORD = 1


def main() -> None:
    """Serve until the input ends."""
    load_stack()
    Server().serve()


def load_stack() -> None:
    """Load what every run imports, and fork the server of confined methods before anything of a run is known."""
    for module in STACK:
        importlib.import_module(module)
    confine()


def confine() -> None:
    """Fork the server of confined methods here, where torch is loaded and nothing of a run is known."""
    if "torch" in sys.modules:
        from bench.training.confined.client import fork_server, offered

        if offered():
            fork_server()


class Server:
    """The runs that were forked and have not ended, by key."""

    def __init__(self) -> None:
        self.runs: dict[int, str] = {}
        """Keys by process."""
        self.unread = b""
        self.wakes, self.wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def serve(self) -> None:
        """Answer requests and tell of ends, until the input ends."""
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(self.wake)

        while True:
            ready, _, _ = select.select([0, self.wakes], [], [])
            if self.wakes in ready:
                with suppress(BlockingIOError):
                    os.read(self.wakes, 4096)
                self.tell()

            if 0 in ready:
                read = os.read(0, 65536)
                if not read:
                    return
                *lines, self.unread = (self.unread + read).split(b"\n")
                for line in lines:
                    self.answer(json.loads(line))

    def answer(self, request: dict[str, Any]) -> None:
        """Begin a run, or send it a signal."""
        if "signal" not in request:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # until the run can be interrupted
            process = os.fork()
            if not process:
                become(request["words"], request["log"])
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
            self.runs[process] = request["run"]
            return

        for process, key in self.runs.items():
            if key == request["run"]:
                _signal(process, request["signal"])

    def tell(self) -> None:
        """Write which runs ended. What they left behind is killed first, while their numbers are still their own."""
        for process in list(self.runs):
            if os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
                _signal(process, signal.SIGKILL)
                code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
                ended = json.dumps({"run": self.runs.pop(process), "code": code})
                os.write(1, f"{ended}\n".encode())


def _signal(process: int, number: int) -> None:
    """Send a signal to a run's process group; to the process itself where it has not made the group yet."""
    with suppress(ProcessLookupError, PermissionError):
        if os.getpgid(process) == process:
            os.killpg(process, number)
        else:
            os.kill(process, number)


def become(words: list[str], log: str) -> NoReturn:
    """Be a process like one that was started as `python -P -m bench WORDS`, whose output is appended to a log."""
    parent = os.getppid()
    os.setsid()
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # it died before it could be watched
            os._exit(NO_RECORD)

    nothing = os.open(os.devnull, os.O_RDONLY)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
    for descriptor, source in ((0, nothing), (1, output), (2, output)):
        os.dup2(source, descriptor)

    # what the command raises ends this process as it would end one of its own
    sys.argv = ["bench", *words]
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    runpy.run_module("bench", run_name="__main__", alter_sys=True)
    sys.exit()


if __name__ == "__main__":
    main()
