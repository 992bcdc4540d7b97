"""The runs of a plan: each with its address, and what the store says of it."""

import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from bench.errors import UserError
from bench.records.claims import claimed
from bench.records.provenance import is_tracked
from bench.records.schema import Record
from bench.records.store import identity_of, read, record_path
from bench.request.request import Request
from bench.sweeps.words import Wish

if TYPE_CHECKING:
    from bench.run.prepare import Prepared

State = Literal["done", "running", "failed", "other version", "unreadable", "to do"]
STATES: tuple[State, ...] = ("done", "running", "failed", "other version", "unreadable", "to do")


@dataclass(frozen=True)
class Run:
    """One run of a plan."""

    words: tuple[str, ...]
    """Of `bench run`."""
    suite: str
    """Its name, with `~` and a digest if the command line changed it."""
    digest: str
    """The suite's."""
    method: str
    """The folder in the store: the method, the wrapper, and a digest of settings that are not the defaults."""
    seed: int
    threads: int
    store: Path
    path: Path
    """Its record's."""
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
    """Of this identity, if there is one."""


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
    """Paths and identities of runs as `prepare` gives them, but rows are drawn and hashed once a suite.

    prepare takes a second on nano-v1, and all but a few milliseconds of it are the same for each of its runs, and for
    those of suites that differ in their recipes alone.
    """

    def __init__(self) -> None:
        self._mixtures: dict[str, Prepared] = {}
        self._checked: set[str] = set()
        self._methods: dict[str, tuple[str, dict[str, object]]] = {}

    def conflict(self, request: Request) -> str:
        """Why the method and the wrapper do not go together, or ''; settings are another matter."""
        plain = request.model_copy(update={"settings": {}, "wrapper_settings": {}})
        try:
            self._method(plain)
        except UserError as error:
            return str(error)
        return ""

    def run(self, wish: Wish) -> Run:
        """The run of a wish. UserError if it cannot start."""
        request = wish.request
        self._mixture(request)
        folder, _ = self._method(request)
        return Run(
            words=wish.words,
            suite=request.suite.name,
            digest=request.suite.digest,
            method=folder,
            seed=request.seed,
            threads=request.suite.recipe.threads,
            store=request.store,
            path=record_path(request.store, request.suite.name, folder, request.seed),
            identity=self._identity(request),
            tuning=request.tuning.digest if request.tuning else "",
        )

    def _mixture(self, request: Request) -> "Prepared":
        """One prepared run of the same tasks, rows and model. UserError if this one could not be prepared."""
        from bench.run.prepare import frozen, prepare

        suite, evaluation = request.suite, request.suite.evaluation
        key = repr(
            (
                suite.tasks,
                suite.recipe.train_rows,
                suite.rows,
                suite.scored,
                evaluation.items,
                evaluation.skip,
                suite.model,
                suite.revision,
            )
        )
        if key not in self._mixtures:
            self._mixtures[key] = prepare(request)
            assert self._identity(request) == self._mixtures[key].identity, "prepare derives it otherwise"
        elif not request.exploratory and request.seed not in suite.seeds:
            prepare(request)  # says which seeds there are
        if suite.name not in self._checked:
            frozen(request)
            self._checked.add(suite.name)
        return self._mixtures[key]

    def _method(self, request: Request) -> tuple[str, dict[str, object]]:
        """The method's folder, and what an identity holds of method and wrapper."""
        from bench.run.prepare import chosen_methods, folder_of, tuning_use

        choices = (request.method, request.settings, request.wrapper, request.wrapper_settings)
        key = repr((request.suite.tasks, request.suite.regime, request.tuning is None, *choices))
        if key not in self._methods:
            method, wrapper = chosen_methods(request)
            tuning_use(request, method)
            use = {**method.use, "wrapper": wrapper.use if wrapper else None}
            self._methods[key] = (folder_of(method, wrapper, request.tuning is not None), use)
        return self._methods[key]

    def _identity(self, request: Request) -> str:
        from bench.protocol import PROTOCOL

        base = self._mixture(request)
        return identity_of(
            {
                "protocol": PROTOCOL,
                "suite": {"digest": request.suite.digest},
                "tasks": base.data,
                "model": {"digest": base.model},
                "method": self._method(request)[1],
                "seed": request.seed,
            }
        )
