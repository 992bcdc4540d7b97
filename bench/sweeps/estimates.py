"""What runs will cost, from the ledgers of earlier ones: an estimate for planning, never a measurement."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from statistics import median

from bench.errors import UserError
from bench.records.provenance import processor
from bench.records.store import read, record_files
from bench.sweeps.runs import Run

PLAIN = "uniform"
"""The method whose step is a plain one."""
FEW = 3
"""Records of another suite that are read to learn what a method costs beside a plain step."""


@dataclass(frozen=True)
class Estimate:
    """What one run will take."""

    seconds: float | None
    """Wall seconds, set-up and evaluation included; None: nothing is known."""
    memory: int | None
    """Peak bytes."""
    basis: str
    """What it is taken from."""


@dataclass(frozen=True)
class Ledger:
    """What an earlier run took."""

    method: str
    """The method's folder in the store."""
    suite: str
    """The suite's digest."""
    hardware: str
    seconds: float
    memory: int
    passes: int
    """Sequences sent forward and backward for a loss."""


class Estimates:
    """Estimates from the records of some stores; the records of a suite are read once."""

    def __init__(self, stores: Iterable[Path], hardware: str | None = None) -> None:
        """hardware: whose ledgers are taken where there are any; None: this machine's."""
        self._stores = list({store.resolve(): store for store in stores}.values())
        self._hardware = hardware or processor()
        self._suites: dict[tuple[str, str], list[Ledger]] = {}

    def of(self, run: Run) -> Estimate:
        """The median of the method's runs on the suite, else of the other methods', scaled by the passes a run makes.

        What a run samples and evaluates does not grow with its passes, so that a scaled estimate is rather high.
        """
        known = self._ledgers(run)
        own = [ledger for ledger in known if ledger.method == run.method]
        if own:
            return _median(own, 1.0, f"{len(own)} earlier of it")
        if not known:
            return Estimate(None, None, "nothing known")
        plain = [ledger for ledger in known if ledger.method == PLAIN] or known
        return _median(plain, self._relative(run), f"{len(plain)} earlier of other methods")

    def _ledgers(self, run: Run) -> list[Ledger]:
        """Earlier runs of the very suite; those of the same hardware if there are any."""
        key = (run.suite, run.digest)
        if key not in self._suites:
            found = [ledger for store in self._stores for ledger in _read(store / run.suite)]
            same = [ledger for ledger in found if ledger.suite == run.digest]
            self._suites[key] = [ledger for ledger in same if ledger.hardware == self._hardware] or same
        return self._suites[key]

    def _relative(self, run: Run) -> float:
        """The method's passes beside those of a plain step, from whichever suite has both; 1 if none has."""
        for store in self._stores:
            for folder in sorted(store.glob(f"*/{run.method}")):
                suite = folder.parents[run.method.count("/")]
                here, plain = _read(suite, run.method, FEW), _read(suite, PLAIN, FEW)
                if here and plain:
                    return median(ledger.passes for ledger in here) / median(ledger.passes for ledger in plain)
        return 1.0


def finish(seconds: Iterable[float], workers: int) -> float:
    """Wall seconds until the last of some runs ends, each begun in its turn by the first worker that is free."""
    free = [0.0] * workers
    for each in seconds:
        heapq.heapreplace(free, free[0] + each)
    return max(free)


def _median(ledgers: list[Ledger], scale: float, basis: str) -> Estimate:
    memory = int(median(ledger.memory for ledger in ledgers))
    return Estimate(scale * median(ledger.seconds for ledger in ledgers), memory, basis)


def _read(suite: Path, method: str = "", most: int | None = None) -> list[Ledger]:
    """What the runs of a suite's folder took, of one method or of all; failed and unreadable ones tell nothing."""
    return list(islice(_ledgers(suite, method), most))


def _ledgers(suite: Path, method: str) -> Iterator[Ledger]:
    for file in sorted((suite / method).glob("*.json")) if method else record_files(suite):
        try:
            record = read(file)
        except UserError:
            continue
        passes = record.ledger.forward_passes + record.ledger.backward_passes
        if record.status == "done" and passes:
            yield Ledger(
                method=str(file.parent.relative_to(suite)),
                suite=record.suite.digest,
                hardware=record.provenance.hardware,
                seconds=record.provenance.total_seconds,
                memory=record.ledger.peak_memory_bytes,
                passes=passes,
            )
