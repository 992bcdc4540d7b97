"""The runs of a plan: each with its address, and what the store says of it."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.errors import UserError
from bench.records.claims import claimed
from bench.records.provenance import is_tracked
from bench.records.schema import Record
from bench.records.store import read
from bench.request.request import Request
from bench.request.suite import Suite
from bench.run.choices import chosen_methods
from bench.run.mixture import Mixture, mixture_of
from bench.run.prepare import Prepared, prepare, with_seed
from bench.sweeps.words import Wish

State = Literal["done", "running", "failed", "other version", "unreadable", "to do"]
STATES: tuple[State, ...] = ("done", "running", "failed", "other version", "unreadable", "to do")


@dataclass(frozen=True)
class Run:
    """One run of a plan."""

    words: tuple[str, ...]
    """The words of `bench run`."""
    suite: str
    """The suite's name, with `~` and a digest if the command line changed it."""
    digest: str
    """The suite's."""
    method: str
    """The folder in the store: the method, the wrapper, and a digest of settings that are not the defaults."""
    seed: int
    threads: int
    store: Path
    path: Path
    """Where the record is, or will be."""
    identity: str
    tuning: str = ""
    """Digest of the tuning that it takes its settings from, '' in the default track."""

    @property
    def command(self) -> str:
        """What repeats it, for a shell."""
        return shlex.join(["bench", "run", *self.words])

    def __str__(self) -> str:
        return f"{self.method} on {self.suite}, seed {self.seed}"


@dataclass(frozen=True)
class Status:
    """What the store says of a run."""

    state: State
    reason: str = ""
    """Why it failed, or what is wrong with the record."""
    committed: bool = False
    """A record that stays: `bench run` refuses to replace it."""
    record: Record | None = None
    """The record of this identity, if there is one."""


def status_of(run: Run) -> Status:
    """What a store says of a run: done or failed by its record, running by its claim."""
    status = recorded(run)
    if status.state != "done" and claimed(run.path, run.store):
        return Status("running")
    return status


def recorded(run: Run) -> Status:
    """What the run's record says, whoever claims it."""
    if not run.path.exists():
        return Status("to do")

    try:
        record = read(run.path)
    except UserError as error:
        return Status("unreadable", str(error), committed=True)

    if (record.identity, record.method.tuning.digest if record.method.tuning else "") != (run.identity, run.tuning):
        return Status("other version", _difference(run.path), is_tracked(run.path))
    if record.status == "failed":
        return Status("failed", record.reason, is_tracked(run.path), record)

    return Status("done", record=record)


def _difference(path: Path) -> str:
    return f"{path} is of another version of the method, a task, the suite or its tuning"


def resolve(wishes: Iterable[Wish]) -> tuple[list[Run], list[str]]:
    """The runs that are asked for, each once, and why the others of `all` are none. UserError as `prepare` gives it."""
    addresses = _Addresses()
    runs: dict[Path, Run] = {}
    left_out: dict[str, None] = {}

    for wish in wishes:
        if wish.optional and (reason := addresses.conflict(wish.request)):
            left_out[reason] = None
            continue
        run = addresses.run(wish)
        runs.setdefault(run.path, run)

    return list(runs.values()), list(left_out)


class _Addresses:
    """Paths and identities of runs as `prepare` gives them; what runs share is read, drawn and hashed once.

    Rows, which take most of a second on nano-v1, are shared by runs of the same mixture, also of suites that differ
    in their recipes alone; all but the identity is shared by runs that differ in their seeds alone.
    """

    def __init__(self) -> None:
        self._prepared: dict[tuple[str, ...], Prepared] = {}
        self._mixtures: dict[str, Mixture] = {}
        self._conflicts: dict[tuple[str, str | None, str], str] = {}

    def conflict(self, request: Request) -> str:
        """Why the method and the wrapper do not go together, or ''; settings are another matter."""
        pair = (request.method, request.wrapper, request.suite.regime)
        if pair not in self._conflicts:
            self._conflicts[pair] = self._conflict(request)
        return self._conflicts[pair]

    @staticmethod
    def _conflict(request: Request) -> str:
        try:
            chosen_methods(request.model_copy(update={"settings": {}, "wrapper_settings": {}}))
        except UserError as error:
            return str(error)
        return ""

    def run(self, wish: Wish) -> Run:
        """The run of a wish. UserError if it cannot start."""
        request = wish.request
        seedless = tuple(word for word in wish.words if not word.startswith("seed="))
        if seedless not in self._prepared:
            self._prepared[seedless] = prepare(request, self._mixture)
            if request.method.endswith(".py"):  # a file of the user's; those of methods/ are known to import
                self._prepared[seedless].import_methods()
        prepared = with_seed(self._prepared[seedless], request)

        return Run(
            words=wish.words,
            suite=request.suite.name,
            digest=request.suite.digest,
            method=prepared.folder,
            seed=request.seed,
            threads=request.suite.recipe.threads,
            store=request.store,
            path=prepared.path,
            identity=prepared.identity,
            tuning=request.tuning.digest if request.tuning else "",
        )

    def _mixture(self, suite: Suite) -> Mixture:
        """The rows and the model of a suite, shared by all that have the same."""
        evaluation = suite.evaluation
        key = repr(
            (
                suite.tasks,
                suite.recipe.train_rows,
                suite.rows,
                evaluation.items,
                evaluation.skip,
                suite.model,
                suite.revision,
            )
        )
        if key not in self._mixtures:
            self._mixtures[key] = mixture_of(suite)
        return self._mixtures[key]
