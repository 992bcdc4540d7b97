"""The story of one run: configure, address, prepare, train, count, probe, evaluate, record."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import set_seed

from bench.around import Around
from bench.config import ROOT, Request
from bench.devices import accelerator, join, place
from bench.engine.sampling import seeded
from bench.errors import RunFailed
from bench.evaluation import base_scores, evaluate
from bench.models import load_model, parameters_digest
from bench.plan import carry_out
from bench.prepare import PROTOCOL, Chosen, Prepared, finished, normaliser, prepare
from bench.records.provenance import provenance
from bench.records.schema import ModelUse, Record, Score, SuiteUse, TaskResult
from bench.records.store import digest_of, outcome_digest, to_text, write
from bench.training import Training
from methods import _registry as methods
from methods._base import Method, RunInfo, RunPlan, StepWrapper
from tasks._base import Task

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


def run(request: Request, watcher: Watcher) -> Finished | None:
    """Run what is asked, or find it finished. UserError if it cannot start; a failed run is a record too.

    None in a process that trains along with the one that writes the record.
    """
    prepared = prepare(request)
    if found := finished(prepared):
        return Finished(found, prepared.path, fresh=False)
    started, world = datetime.now(UTC), join()
    torch.set_num_threads(request.suite.recipe.threads)
    session = Session(prepared, watcher)
    reason = ""
    try:
        status, reason = session.train()
    except RunFailed as failure:
        status, reason = "failed", str(failure)
    after = None if status == "failed" else session.evaluate()
    if not world.first:
        return None
    record = session.record(status, reason, after, started)
    write(prepared.path, to_text(record))
    return Finished(record, prepared.path, fresh=True)


class Session:
    """A prepared run with its model loaded. Tasks are in blind order in here."""

    def __init__(self, prepared: Prepared, watcher: Watcher) -> None:
        self.prepared, self.watcher = prepared, watcher
        self.suite, self.seed = prepared.request.suite, prepared.request.seed
        self.final: Sequence[Tensor] = []
        self.shown = 0
        self.final_digest: str | None = None
        watcher.phase("load")
        self.model, self.tokenizer = load_model(self.suite, seeded(self.seed, "adapters").initial_seed() % 2**31)
        place(self.model, prepared.request.shard)
        tasks = [prepared.tasks[task] for task in prepared.order]
        rows = [prepared.rows[task] for task in prepared.order]
        self.training = Training(self.model, self.tokenizer, tasks, rows, self.suite, self.seed, self._show)
        self.ledger, self.probe = self.training.ledger, self.training.probe
        self.world = self.training.gradients.world
        self.speaks = self.world.first or prepared.request.shard
        """Whether this process evaluates: of a sharded model all must."""
        self.before = self._base_scores() if self.speaks else {}
        self.world.wait()

    def _base_scores(self) -> dict[str, Score]:
        measure = partial(self.scores, "evaluate base model", self.prepared.tasks)
        return base_scores(measure, self._evaluation_key(), CACHE)

    def scores(self, phase: str, tasks: Sequence[Task]) -> dict[str, Score]:
        """Held-out scores of the model as it is now, by task name."""
        self.watcher.phase(phase)
        return evaluate(self.model, self.tokenizer, tasks, self.suite.sampling)

    def train(self) -> tuple[str, str]:
        """Train to the suite's last step or to the end of the budget. Returns status and reason."""
        method = self.start(self.prepared.method, "method")
        set_seed(self.seed)
        self.watcher.phase("train")
        self.ledger.start_clock()
        try:
            if isinstance(method, RunPlan):
                self.final, reason = carry_out(method, self.training)
            else:
                reason = self.train_with(method)
        finally:
            self.spent = self.ledger.snapshot()
        if reason:
            return "over_budget", f"{reason} at step {self.ledger.steps} of {self.suite.recipe.steps}."
        return "done", ""

    def train_with(self, method: Method) -> str:
        """Train in one stage, with the wrapper if there is one. Why it ended early, or ''."""
        training, steps, around = self.training, self.suite.recipe.steps, None
        if self.prepared.wrapper:
            wrapper = self.start(self.prepared.wrapper, "wrapper")
            assert isinstance(wrapper, StepWrapper)
            wrapper.prepare(training.gradients.parameters_now(), training.gradients.layout)
            around = Around(wrapper, method, self.start(self.prepared.method, "twin"))
        reason = training.stage(method, around, steps=steps, prompts=training.prompts, seed=self.seed, last=steps)
        self.final = [training.gradients.parameters_now()]
        return reason

    def evaluate(self) -> dict[str, Score]:
        """Held-out scores of the final model, or of each task's own."""
        digests, found = [], dict[str, Score]()
        everything = [self.prepared.tasks] if len(self.final) == 1 else [[task] for task in self.training.tasks]
        for parameters, tasks in zip(self.final, everything, strict=True):
            self.training.gradients.set_parameters(parameters)
            digests.append(parameters_digest(self.model))
            if self.speaks:
                found |= self.scores("evaluate", tasks)
        self.final_digest = digests[0] if len(digests) == 1 else digest_of(digests)
        return found

    def start(self, chosen: Chosen, purpose: str) -> Method:
        """The method or wrapper, started, with its own generator; settings per task follow the blind order."""
        settings = methods.in_blind_order(chosen.settings, self.prepared.order)
        recipe, count = self.suite.recipe, len(self.prepared.tasks)
        sizes = [len(stream.rows) for stream in self.training.streams]
        info = RunInfo(
            tasks=count,
            sizes=torch.tensor(sizes, dtype=torch.float64),
            steps=recipe.steps,
            prompts=count * recipe.prompts_per_task,
            reply_tokens=recipe.max_reply_tokens,
        )
        return chosen.kind(settings, seeded(self.seed, purpose)).start(info)

    def record(self, status: str, reason: str, after: dict[str, Score] | None, started: datetime) -> Record:
        """The record of what happened."""
        prepared = self.prepared
        data = {
            "protocol": PROTOCOL,
            "normaliser": normaliser(prepared.method.kind, self.suite.regime),
            "identity": prepared.identity,
            "suite": SuiteUse(name=self.suite.name, digest=self.suite.digest, overrides=prepared.request.overrides),
            "seed": self.seed,
            "method": prepared.use,
            "model": ModelUse(
                name=self.suite.model,
                digest=prepared.model,
                parameters=sum(parameter.numel() for parameter in self.model.parameters()),
                final_digest=self.final_digest,
                trained=self.training.trained if self.suite.lora.r else None,
            ),
            "status": status,
            "reason": reason,
            "tasks": [self._task_result(index, after) for index in range(len(prepared.tasks))],
            "ledger": self.spent,
            "budget": self.suite.budget,
            "curves": self.probe.curves(prepared.order),
            "provenance": provenance(
                started, datetime.now(UTC), self.suite.recipe.threads, accelerator(), self.world.size
            ),
            "outcome_digest": "0" * 64,
        }
        draft = Record.model_validate(data)
        return draft.model_copy(update={"outcome_digest": outcome_digest(draft.model_dump(mode="json"))})

    def _task_result(self, index: int, after: dict[str, Score] | None) -> TaskResult:
        task = self.prepared.tasks[index]
        return TaskResult(
            **self.prepared.data[index],
            domain=task.domain,
            position=self.prepared.order.index(index),
            before=self.before[task.name],
            after=after[task.name] if after else None,
        )

    def _show(self, step: int, rewards: Sequence[float]) -> None:
        names = [task.name for task in self.training.tasks]
        known = {name: reward for name, reward in zip(names, rewards, strict=True) if not math.isnan(reward)}
        in_order = {name: known[name] for name in self.suite.tasks if name in known}
        full_steps = round(self.ledger.prompts / self.training.prompts, 9)  # a plan's steps may be smaller
        if self.world.first and full_steps >= self.shown + 1:
            self.shown = int(full_steps)
            self.watcher.step(self.shown, self.suite.recipe.steps, in_order)

    def _evaluation_key(self) -> dict[str, Any]:
        prepared = self.prepared
        return {
            "protocol": PROTOCOL,
            "model": prepared.model,
            "tasks": prepared.data,
            "sampling": self.suite.sampling.model_dump(mode="json"),
            "dtype": self.suite.dtype,
            "threads": self.suite.recipe.threads,
            "packages": {name: version(name) for name in ("torch", "transformers", "lm_eval")},
        }
