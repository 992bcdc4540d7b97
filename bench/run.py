"""The story of one run: configure, address, prepare, train, count, probe, evaluate, record."""

import contextlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from transformers import set_seed

from bench.config import RESULTS, ROOT, Request
from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import blind_order, seeded
from bench.errors import RunFailed, UserError
from bench.evaluation import base_scores, evaluate
from bench.models import load_model, model_digest, parameters_digest
from bench.records.provenance import is_tracked, provenance
from bench.records.schema import Card, MethodUse, ModelUse, Record, Score, SuiteUse, TaskResult
from bench.records.store import (
    digest_of,
    identity_of,
    outcome_digest,
    read,
    record_files,
    record_path,
    to_text,
    write,
)
from bench.step import BalancedStep
from methods import _registry as methods
from methods._base import Method, RunInfo
from tasks._base import Row, Task, data_hash
from tasks._registry import get_task

PROTOCOL = 1
"""Raised when the harness changes in a way that changes outcomes; part of every identity."""
CACHE = ROOT / ".cache"


class Watcher(Protocol):
    """Whoever shows the run's progress."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@dataclass(frozen=True)
class Finished:
    """A run's record and where it is; fresh: it was run now, not found."""

    record: Record
    path: Path
    fresh: bool


@dataclass(frozen=True)
class Prepared:
    """Everything a run needs before a model is loaded; tasks and rows are in the suite's order."""

    request: Request
    tasks: list[Task]
    rows: list[tuple[Row, ...]]
    hashes: list[str]
    method: MethodUse
    settings: Any
    model: str
    identity: str
    order: list[int]
    path: Path


def run(request: Request, watcher: Watcher) -> Finished:
    """Run what is asked, or find it finished. UserError if it cannot start; a failed run is a record too."""
    prepared = prepare(request)
    if found := finished(prepared):
        return Finished(found, prepared.path, fresh=False)
    started = datetime.now(UTC)
    torch.set_num_threads(request.suite.recipe.threads)
    session = Session(prepared, watcher)
    reason = ""
    try:
        status, reason = session.train()
    except RunFailed as failure:
        status, reason = "failed", str(failure)
    after = None if status == "failed" else session.scores("evaluate")
    record = session.record(status, reason, after, started)
    write(prepared.path, to_text(record))
    return Finished(record, prepared.path, fresh=True)


def prepare(request: Request) -> Prepared:
    """Check everything that can be checked before training, and derive the run's identity."""
    suite = request.suite
    tasks = [get_task(name) for name in suite.tasks]
    method = methods.load(request.method)
    settings = methods.settings_of(method, request.settings, suite.tasks)
    card = methods.cards()[request.method]
    use = MethodUse(
        name=request.method,
        version=card.version,
        acts_on=list(card.acts_on),
        settings=settings.model_dump(mode="json"),
        source_digest=methods.source_digest(card.path),
        card=Card(**{field: getattr(card, field) for field in Card.model_fields}),
    )
    if not request.overrides and request.seed not in suite.seeds:
        raise UserError(
            f"seed {request.seed} is not one of {suite.name}'s prescribed seeds {list(suite.seeds)}; seeds are paired "
            "between methods, so only these can be compared. Choose one of them."
        )
    frozen(request)
    model = model_digest(suite.model)
    rows = [task.rows("train", suite.recipe.train_rows) for task in tasks]
    held = [task.rows("heldout", suite.evaluation.items) for task in tasks]
    hashes = [data_hash((*train, *heldout)) for train, heldout in zip(rows, held, strict=True)]
    results = [
        {"name": task.name, "revision": task.revision, "data_hash": data}
        for task, data in zip(tasks, hashes, strict=True)
    ]
    address = {
        "protocol": PROTOCOL,
        "suite": {"digest": suite.digest},
        "tasks": results,
        "model": {"digest": model},
        "method": use.model_dump(mode="json"),
        "seed": request.seed,
    }
    folder = use.name if settings == method.Settings() else f"{use.name}+{digest_of(use.settings)[:8]}"
    return Prepared(
        request=request,
        tasks=tasks,
        rows=rows,
        hashes=hashes,
        method=use,
        settings=settings,
        model=model,
        identity=identity_of(address),
        order=blind_order(suite.tasks, request.seed),
        path=record_path(request.store, suite.name, folder, request.seed),
    )


def frozen(request: Request) -> None:
    """UserError if an unchanged suite differs from the one its committed results were made with."""
    if request.overrides:
        return
    suite = request.suite
    for path in record_files(RESULTS / suite.name):
        record = read(path)
        if record.suite.digest != suite.digest:
            raise UserError(
                f"suites/{suite.name}.yaml was changed after it got results ({path.relative_to(ROOT)} was made with "
                f"{record.suite.digest[:8]}, the file is {suite.digest[:8]} now). Copy it to a new suite, and restore "
                f"this one with `git checkout -- suites/{suite.name}.yaml`."
            )
        return


def finished(prepared: Prepared) -> Record | None:
    """The finished run of the same identity, if the store has it; failed runs are run again.

    UserError if the store has a committed run of another identity: results are append-only.
    """
    if not prepared.path.exists():
        return None
    record = read(prepared.path)
    if record.identity == prepared.identity and record.status != "failed":
        return record
    if record.identity != prepared.identity and is_tracked(prepared.path):
        raise UserError(
            f"{prepared.path} is a committed run of something else: its method, its settings or the harness have "
            "changed since. Committed results stay; keep this run elsewhere with store=DIR."
        )
    return None


def normaliser(method: MethodUse) -> str:
    """How the loss of a run with this method is normalised, in words."""
    if "SampleWeighting" in method.acts_on:
        return f"as {method.name} weighs tokens and advantages; per-sequence mean where it leaves them alone"
    return "per-sequence mean: each completion counts the same, a token 1 / length (GRPO)"


class Session:
    """A prepared run with its model loaded. Tasks are in blind order in here."""

    def __init__(self, prepared: Prepared, watcher: Watcher) -> None:
        self.prepared, self.watcher = prepared, watcher
        self.suite, self.seed = prepared.request.suite, prepared.request.seed
        self.ledger, self.probe = RunningLedger(), Probe()
        self.final_digest: str | None = None
        watcher.phase("load")
        self.model, self.tokenizer = load_model(self.suite.model)
        self.before = base_scores(lambda: self.scores("evaluate base model"), self._evaluation_key(), CACHE)

    def scores(self, phase: str) -> dict[str, Score]:
        """Held-out scores of the model as it is now, by task name."""
        self.watcher.phase(phase)
        return evaluate(self.model, self.tokenizer, self.prepared.tasks, self.suite.sampling)

    def train(self) -> tuple[str, str]:
        """Train to the suite's last step or to the end of the budget. Returns status and reason."""
        from bench.trl import BalancedGRPOTrainer, StepCallback, grpo_config, trained

        recipe = self.suite.recipe
        order = self.prepared.order
        tasks = [self.prepared.tasks[task] for task in order]
        rows = [self.prepared.rows[task] for task in order]
        sequences = len(tasks) * recipe.prompts_per_task * recipe.rollouts_per_prompt
        set_seed(self.seed)
        with tempfile.TemporaryDirectory() as folder:
            watch = StepCallback(self.suite.budget, self.ledger, recipe.steps, self._show)
            config = grpo_config(recipe, self.seed, sequences, Path(folder))
            trainer = BalancedGRPOTrainer(self.model, self.tokenizer, config, tasks, rows, recipe, callbacks=[watch])
            method = self.start_method([len(task_rows) for task_rows in rows])
            gradients = TaskGradients(*trained(self.model), len(tasks))
            step: BalancedStep[dict[str, torch.Tensor]] = BalancedStep(
                gradients, method, recipe.max_gradient_norm, self.ledger, self.probe
            )
            trainer.arm(step, watch)
            self.watcher.phase("train")
            self.ledger.start_clock()
            with quiet():
                trainer.train()
        self.spent = self.ledger.snapshot()
        self.final_digest = parameters_digest(self.model)
        if watch.reason:
            return "over_budget", f"{watch.reason} at step {self.ledger.steps} of {recipe.steps}."
        return "done", ""

    def start_method(self, sizes: Sequence[int]) -> Method:
        """The method, started, with its own generator; settings per task follow the blind order."""
        settings = methods.in_blind_order(self.prepared.settings, self.prepared.order)
        kind = methods.load(self.prepared.method.name)
        method = kind(settings, seeded(self.seed, "method"))
        info = RunInfo(len(sizes), torch.tensor(sizes, dtype=torch.float64), self.suite.recipe.steps)
        return method.start(info)

    def record(self, status: str, reason: str, after: dict[str, Score] | None, started: datetime) -> Record:
        """The record of what happened."""
        prepared = self.prepared
        spent = getattr(self, "spent", None) or self.ledger.snapshot()
        data = {
            "protocol": PROTOCOL,
            "normaliser": normaliser(prepared.method),
            "identity": prepared.identity,
            "suite": SuiteUse(name=self.suite.name, digest=self.suite.digest, overrides=prepared.request.overrides),
            "seed": self.seed,
            "method": prepared.method,
            "model": ModelUse(
                name=self.suite.model,
                digest=prepared.model,
                parameters=sum(parameter.numel() for parameter in self.model.parameters()),
                final_digest=self.final_digest,
            ),
            "status": status,
            "reason": reason,
            "tasks": [self._task_result(index, after) for index in range(len(prepared.tasks))],
            "ledger": spent,
            "budget": self.suite.budget,
            "curves": self.probe.curves(prepared.order),
            "provenance": provenance(started, datetime.now(UTC), self.suite.recipe.threads),
            "outcome_digest": "0" * 64,
        }
        draft = Record.model_validate(data)
        return draft.model_copy(update={"outcome_digest": outcome_digest(draft.model_dump(mode="json"))})

    def _task_result(self, index: int, after: dict[str, Score] | None) -> TaskResult:
        task = self.prepared.tasks[index]
        return TaskResult(
            name=task.name,
            domain=task.domain,
            revision=task.revision,
            data_hash=self.prepared.hashes[index],
            position=self.prepared.order.index(index),
            before=self.before[task.name],
            after=after[task.name] if after else None,
        )

    def _show(self, step: int, rewards: Sequence[float]) -> None:
        names = [self.prepared.tasks[task].name for task in self.prepared.order]
        shown = dict(zip(names, rewards, strict=True))
        self.watcher.step(step, self.suite.recipe.steps, {name: shown[name] for name in self.suite.tasks})

    def _evaluation_key(self) -> dict[str, Any]:
        prepared = self.prepared
        tasks = [[task.name, task.revision, data] for task, data in zip(prepared.tasks, prepared.hashes, strict=True)]
        return {
            "protocol": PROTOCOL,
            "model": prepared.model,
            "tasks": tasks,
            "sampling": self.suite.sampling.model_dump(mode="json"),
            "threads": self.suite.recipe.threads,
            "packages": {name: version(name) for name in ("torch", "transformers", "lm_eval")},
        }


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Swallow what the training libraries print: progress and results are shown by the watcher."""
    with contextlib.redirect_stdout(io.StringIO()):
        yield
