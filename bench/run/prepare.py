"""Before a run: check what can be checked without a model, and give the run its address. Nothing heavy is loaded.

Checks come before anything is read or drawn, so that a usage error is answered at once.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.evaluation.standard_tasks import check_ready
from bench.records.schema import MethodUse
from bench.records.store import read, record_files
from bench.records.track import base_suite
from bench.request.request import RESULTS, Request, surroundings
from bench.request.suite import Suite
from bench.run.address import identity, path_in_store
from bench.run.choices import Chosen, check_shardable, chosen_methods, folder_of, method_use
from bench.run.mixture import Mix, Mixture, mixture_of
from tasks import Row, Task
from tasks._registry import tasks_of


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs before a model is loaded; tasks and rows are in the suite's order."""

    request: Request
    mixture: Mixture
    method: Chosen
    wrapper: Chosen | None
    use: MethodUse
    """The method and its wrapper, as a record has them."""
    folder: str
    """The method's in the store."""
    identity: str
    path: Path
    """Where the record is, or will be."""

    @property
    def tasks(self) -> list[Task]:
        """The suite's tasks."""
        return self.mixture.tasks

    @property
    def rows(self) -> list[tuple[Row, ...]]:
        """Training rows of each task."""
        return self.mixture.rows

    @property
    def data(self) -> list[dict[str, Any]]:
        """Name, revision and data hash of each task, as a record has them."""
        return self.mixture.data

    @property
    def model(self) -> str:
        """SHA-256 of the base model's files."""
        return self.mixture.model

    @cached_property
    def order(self) -> list[int]:
        """The blind order: position i of the method's tasks is task order[i] of the suite. torch draws it."""
        from bench.engine.sampling import blind_order

        return blind_order(self.request.suite.tasks, self.request.seed)

    def import_methods(self) -> None:
        """Import the method and the wrapper. UserError if one of their files cannot be imported."""
        for chosen in filter(None, (self.method, self.wrapper)):
            assert chosen.kind


def prepare(request: Request, mix: Mix = mixture_of) -> Prepared:
    """Check everything that can be checked before training, and derive the run's identity.

    mix: gives the suite's mixture; a plan of many runs passes one that remembers.
    """
    surroundings(request)
    method, wrapper = checked_methods(request)
    use = method_use(request, method, wrapper)
    refuse_changed_suite(request)

    mixture = mix(request.suite)
    folder = folder_of(method, wrapper, tuned=request.tuning is not None)
    return Prepared(
        request=request,
        mixture=mixture,
        method=method,
        wrapper=wrapper,
        use=use,
        folder=folder,
        identity=identity(request, mixture.data, mixture.model, use),
        path=path_in_store(request, folder),
    )


def checked_methods(request: Request) -> tuple[Chosen, Chosen | None]:
    """The method and its wrapper, once all is checked that the words say. UserError; nothing is read or drawn."""
    suite = request.suite
    check_scorable(suite)
    method, wrapper = chosen_methods(request)
    if request.shard:
        check_shardable(request, method, wrapper)

    if suite.standard:
        check_ready(suite)
    if suite.rollout == "vllm" and method.acts_on("RunPlan"):
        raise UserError(
            f"{method.card.name} is a plan of runs, and each would start an engine: say rollout=transformers."
        )
    check_seed(request)
    return method, wrapper


def with_seed(prepared: Prepared, request: Request) -> Prepared:
    """The prepared run of a request that differs from that of `prepared` in its seed alone, at no cost."""
    check_seed(request)
    return replace(
        prepared,
        request=request,
        identity=identity(request, prepared.data, prepared.model, prepared.use),
        path=path_in_store(request, prepared.folder),
    )


def check_scorable(suite: Suite) -> None:
    """UserError for a task that does not exist, or if a diagnostic task would enter the means."""
    tasks = tasks_of(suite)
    strange = [task.name for task in tasks if task.diagnostic and task.name in suite.scored_tasks]
    if strange:
        others = [name for name in suite.tasks if name not in strange]
        raise UserError(
            f"{', '.join(strange)}: a diagnostic task has nothing that a model should learn, and is never scored. "
            f"Say scored={','.join(others) or 'TASK,...'}."
        )


def check_seed(request: Request) -> None:
    """UserError for a seed that the suite does not prescribe, unless the command line changed the suite."""
    suite = request.suite
    if not request.exploratory and request.seed not in suite.seeds:
        raise UserError(
            f"seed {request.seed} is not one of {suite.name}'s prescribed seeds {list(suite.seeds)}; seeds are paired "
            "between methods, so only these can be compared. Choose one of them."
        )


def refuse_changed_suite(request: Request) -> None:
    """UserError if an unchanged suite differs from the one its committed results were made with."""
    first = next(record_files(RESULTS / request.suite.name), None)
    if request.exploratory or first is None:
        return

    record = read(first)
    found = record.method.tuning.suite if record.method.tuning else record.suite.digest
    digest = request.tuning.suite_digest if request.tuning else request.suite.digest
    if found != digest:
        file = base_suite(request.suite.name)
        raise UserError(
            f"suites/{file}.yaml was changed after it got results ({first.relative_to(RESULTS.parent)} was made with "
            f"{found[:8]}, the file is {digest[:8]} now). Copy it to a new suite, and restore "
            f"this one with `git checkout -- suites/{file}.yaml`."
        )
