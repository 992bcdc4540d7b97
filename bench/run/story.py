"""The story of one run: configure, address, prepare, train, count, probe, evaluate, record."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor
from transformers import set_seed

from bench.engine.sampling import seeded
from bench.engine.world import World
from bench.errors import RunFailed, UserError
from bench.models.base import load_model, parameters_digest
from bench.models.devices import accelerator, join, place
from bench.protocol import PROTOCOL
from bench.records.claims import claim
from bench.records.provenance import provenance
from bench.records.schema import ModelUse, Record, SuiteUse, TaskResult
from bench.records.store import digest_of, outcome_digest, to_text, write
from bench.request.request import Request
from bench.run.address import checkpoints_of
from bench.run.heldout import HeldOut
from bench.run.prepare import Chosen, Prepared, finished, normaliser, prepare
from bench.run.standing import Standing
from bench.training.around import Around
from bench.training.stages import carry_out
from bench.training.training import Training
from bench.training.trl.common import dealt
from methods import Method, RunInfo, RunPlan, StepWrapper
from methods import _registry as methods
from tasks import Task


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

    A run that was interrupted goes on where it was saved. None in a process that trains along with the one that
    writes the record.
    """
    prepared = prepare(request)
    if found := finished(prepared):
        checkpoints_of(prepared).remove()  # of a process that ended before it could
        return Finished(found, prepared.path, fresh=False)
    world = join()
    recipe = request.suite.recipe
    dealt(len(request.suite.tasks) * recipe.prompts_per_task)
    with sole(prepared, world):
        if world.size == 1 and (found := finished(prepared)):  # by another process, while this one prepared
            return Finished(found, prepared.path, fresh=False)
        torch.set_num_threads(recipe.threads)
        session = Session(prepared, watcher)
        session.train()
        session.evaluate()
        record = session.record() if world.first else None
        if record:
            write(prepared.path, to_text(record))
            session.checkpoints.remove()
    return Finished(record, prepared.path, fresh=True) if record else None


@contextmanager
def sole(prepared: Prepared, world: World) -> Iterator[None]:
    """No other process runs this meanwhile; UserError if one does."""
    store, path = prepared.request.store, prepared.path
    with claim(path, store) if world.first else nullcontext(True) as ours:
        if not ours:
            raise UserError(
                f"{path} is being run by another process; wait for it, or say store=DIR to run it elsewhere as well."
            )
        with suppress(OSError):
            for part in path.parent.glob(f".{path.name}.*"):  # of a write that was killed
                part.unlink(missing_ok=True)
        yield


class Session:
    """A prepared run with its model loaded. Tasks are in blind order in here."""

    def __init__(self, prepared: Prepared, watcher: Watcher) -> None:
        self.prepared, self.watcher = prepared, watcher
        self.suite, self.seed = prepared.request.suite, prepared.request.seed
        self.standing = Standing()
        self.final_digest: str | None = None
        watcher.phase("load")
        self.model, self.tokenizer = load_model(self.suite, seeded(self.seed, "adapters").initial_seed() % 2**31)
        place(self.model, prepared.request.shard)
        tasks = [prepared.tasks[task] for task in prepared.order]
        rows = [prepared.rows[task] for task in prepared.order]
        self.checkpoints = checkpoints_of(prepared)
        self.training = Training(
            self.model, self.tokenizer, tasks, rows, self.suite, self.seed, self._show, self.checkpoints
        )
        self.ledger, self.probe = self.training.ledger, self.training.probe
        self.world = self.training.gradients.world
        self.speaks = self.world.first or prepared.request.shard
        """Whether this process evaluates: of a sharded model all must."""
        self.held_out = HeldOut(self.model, self.tokenizer, prepared, self.speaks, watcher.phase)
        self.world.wait()

    def train(self) -> None:
        """To the suite's last step or to the end of the budget, from where an earlier attempt at the run was saved."""
        self.checkpoints.find()
        if saved := self.checkpoints.take("standing"):
            self.standing.go_on(saved)
        self.checkpoints.keep("standing", self.standing.now)
        self.watcher.phase(self.standing.phase(self.suite.recipe.steps))
        set_seed(self.seed)
        self.ledger.start_clock()
        self.training.go_on()
        if not self.standing.status:
            self._train()

    def _train(self) -> None:
        standing, reason = self.standing, ""
        method = self.start(self.prepared.method, "method")
        try:
            standing.final, reason = self._final(method)
            standing.status = "over_budget" if reason else "done"
        except RunFailed as failure:
            standing.status, standing.reason = "failed", str(failure)
        standing.spent = self.ledger.snapshot().model_dump(mode="json")
        if reason:
            standing.reason = f"{reason} at step {self.ledger.steps} of {self.suite.recipe.steps}."
        self.checkpoints.drop("model", "calls", "stage", "memory")
        self.checkpoints.close_training()

    def _final(self, method: Method) -> tuple[list[Tensor], str]:
        """The final parameters, one [P] or one a task, and why training ended early, or ''."""
        if isinstance(method, RunPlan):
            return carry_out(method, self.training)
        reason = self.train_with(method)
        return [self.training.gradients.parameters_now()], reason

    def train_with(self, method: Method) -> str:
        """Train in one stage, with the wrapper if there is one. Why it ended early, or ''."""
        training, steps, around = self.training, self.suite.recipe.steps, None
        if self.prepared.wrapper:
            wrapper = self.start(self.prepared.wrapper, "wrapper")
            assert isinstance(wrapper, StepWrapper)
            wrapper.prepare(training.gradients.parameters_now(), training.gradients.layout)
            around = Around(wrapper, method, self.start(self.prepared.method, "twin"))
        return training.stage(method, around, steps=steps, prompts=training.prompts, seed=self.seed, final=True)

    def evaluate(self) -> None:
        """Held-out scores of the final model, or of each task's own, unless training failed."""
        if not self.standing.final:
            return
        self.watcher.phase("evaluate")
        final, digests = self.standing.final, list[str]()
        everything = [self.prepared.tasks] if len(final) == 1 else [[task] for task in self.training.tasks]
        for parameters, tasks in zip(final, everything, strict=True):
            self.training.gradients.set_parameters(parameters)
            digests.append(parameters_digest(self.model))
            if self.speaks:
                self._score(tasks)
        if len(final) == 1:
            self.held_out.finish()
        self.final_digest = digests[0] if len(digests) == 1 else digest_of(digests)

    def _score(self, tasks: Sequence[Task]) -> None:
        """Scores that an earlier attempt at the run has not saved."""
        after = self.standing.after
        for task in tasks:
            if task.name not in after:
                after[task.name] = self.held_out.scores([task])[task.name].model_dump()
                if self.world.size == 1:
                    self.checkpoints.offer()

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
            rollouts=recipe.rollouts_per_prompt if self.suite.regime == "grpo" else 1,
        )
        return chosen.kind(settings, seeded(self.seed, purpose)).start(info)

    def record(self) -> Record:
        """The record of what happened."""
        prepared, standing = self.prepared, self.standing
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
            "status": standing.status,
            "reason": standing.reason,
            "tasks": [self._task_result(index) for index in range(len(prepared.tasks))],
            "ledger": standing.spent,
            "budget": self.suite.budget,
            "curves": self.probe.curves(prepared.order),
            "provenance": provenance(
                datetime.fromisoformat(standing.started),
                standing.ended(),
                self.suite.recipe.threads,
                accelerator(),
                self.world.size,
            ),
            "standard": self.held_out.standard,
            "outcome_digest": "0" * 64,
        }
        draft = Record.model_validate(data)
        return draft.model_copy(update={"outcome_digest": outcome_digest(draft.model_dump(mode="json"))})

    def _task_result(self, index: int) -> TaskResult:
        task = self.prepared.tasks[index]
        return TaskResult(
            **self.prepared.data[index],
            domain=task.domain,
            position=self.prepared.order.index(index),
            scored=task.name in self.suite.scored_tasks,
            before=self.held_out.before[task.name],
            after=self.standing.after.get(task.name),
        )

    def _show(self, step: int, rewards: Sequence[float]) -> None:
        names = [task.name for task in self.training.tasks]
        known = {name: reward for name, reward in zip(names, rewards, strict=True) if not math.isnan(reward)}
        in_order = {name: known[name] for name in self.suite.tasks if name in known}
        full_steps = round(self.ledger.prompts / self.training.prompts, 9)  # a plan's steps may be smaller
        if full_steps >= self.standing.shown + 1:
            self.standing.shown = int(full_steps)
            if self.world.first:
                self.watcher.step(self.standing.shown, self.suite.recipe.steps, in_order)
