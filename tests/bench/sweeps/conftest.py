"""Runs that take no time: their records are made before, and a stand-in for `bench run` delivers them."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bench.records.schema import Record
from bench.sweeps.runs import Run
from bench.sweeps.scheduler import Active, Outcome

ROOT = Path(__file__).parents[3]
STANDIN = (sys.executable, str(Path(__file__).with_name("standin.py")))
DRIVER = """
import sys
from pathlib import Path
from bench.sweeps.local import LocalBackend
from bench.sweeps.runs import Run
from bench.sweeps.scheduler import Scheduler
from bench.errors import UserError

class Quiet:
    def started(self, run, attempt): print("started", run, flush=True)
    def again(self, run, reason): ...
    def ended(self, outcome): print(outcome.result, outcome.run, outcome.fresh, outcome.reason, flush=True)
    def look(self, active, waiting): ...

store, digest = Path({store!r}), "0" * 64
folder = store / "demo"
runs = [
    Run(tuple(words), "demo", digest, method, seed, 1, store, folder / method / f"{{seed}}.json", identity)
    for words, method, seed, identity in {runs!r}
]
{before}
try:
    scheduler = Scheduler(runs, LocalBackend({workers}, command={command!r}), Quiet())
    scheduler.execute()
except UserError as error:
    sys.exit(f"refused: {{error}}")
print("trouble:", scheduler.trouble)
"""
"""A process that sweeps over some runs."""


@dataclass
class Bench:
    """A store, the records that its runs will have, and who began what."""

    store: Path
    bank: Path
    save: Callable[..., Path]
    make_record: Callable[..., Record]
    command: tuple[str, ...] = STANDIN

    def run(self, method: str, seed: int = 0) -> Run:
        """A run of the stand-in; the method's name says what it does."""
        fields = {}
        if method.startswith("fails"):
            fields = {"status": "failed", "reason": "the loss is not a number"}
        record = self.make_record(method=method, seed=seed, suite="demo", **fields)
        self.save(self.bank, record)
        words = (f"method={method}", "suite=demo", f"seed={seed}", f"store={self.store}")
        path = self.store / "demo" / method / f"{seed}.json"
        return Run(words, "demo", record.suite.digest, method, seed, 1, self.store, path, record.identity)

    def notes(self, what: str = "begun") -> list[list[str]]:
        """Lines of the stand-ins that begin with a word, in words without it."""
        file = self.bank / "begun.txt"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.split()[1:] for line in lines if line.startswith(f"{what} ")]

    def wait_for(self, count: int, what: str = "begun") -> list[list[str]]:
        """The notes, when there are so many."""
        self.wait(lambda: len(self.notes(what)) >= count)
        return self.notes(what)

    def wait(self, happened: Callable[[], bool], seconds: float = 30.0) -> None:
        """Wait until something happened; it must."""
        until = time.monotonic() + seconds
        while not happened():
            assert time.monotonic() < until, "it did not happen"
            time.sleep(0.02)

    def is_alive(self, process: int | str) -> bool:
        """Whether a process runs: one that is dead and not yet waited for does not."""
        try:
            return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
        except OSError:
            return False

    def sweeping(self, runs: list[Run], workers: int = 2, before: str = "") -> "subprocess.Popen[str]":
        """A process of its own that sweeps over the runs."""
        listed = [(run.words, run.method, run.seed, run.identity) for run in runs]
        code = DRIVER.format(store=str(self.store), runs=listed, workers=workers, command=STANDIN, before=before)
        return subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip


@dataclass
class Events:
    """A reporter that keeps what it is told."""

    begun: list[tuple[str, int]] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def started(self, run: Run, attempt: int) -> None:
        self.begun.append((run.method, attempt))

    def again(self, run: Run, reason: str) -> None:
        self.repeated.append(reason)

    def ended(self, outcome: Outcome) -> None:
        self.outcomes.append(outcome)

    def look(self, active: list[Active], waiting: list[Run]) -> None:
        self.seen |= {each.job.progress() for each in active}


@pytest.fixture
def bench(tmp_path, save, make_record, monkeypatch) -> Bench:
    made = Bench(tmp_path / "store", tmp_path / "bank", save, make_record)
    made.bank.mkdir()
    monkeypatch.setenv("STANDIN_BANK", str(made.bank))
    return made


@pytest.fixture
def events() -> Events:
    return Events()
