"""A plan of runs, carried out: its stages train one model after the other, under one ledger and one budget."""

import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from bench.answers import checked
from bench.callback import StepCallback
from bench.engine.sampling import seeded
from bench.errors import RunFailed
from bench.training import Training
from methods._base import RunPlan, Signals, TaskSampling

ROUNDING = 1e-6
"""Of a full step: what sums of parts of steps may be over."""


class BudgetUsed(Exception):
    """A counter of the suite's budget is used up in the middle of a plan."""


class Stages:
    """`methods._base.Stages` in the harness."""

    def __init__(self, plan: RunPlan, training: Training) -> None:
        self.plan, self.training = plan, training
        self.layout = training.gradients.layout
        self.left = float(training.suite.recipe.steps)
        self._stage = 0

    def parameters(self) -> Tensor:
        """A copy of the model's trained parameters, [P]."""
        return self.training.gradients.parameters_now()

    def load(self, parameters: Tensor) -> None:
        """Set the model's trained parameters, [P]."""
        shape = (sum(self.layout.sizes),)
        self.training.gradients.set_parameters(
            checked(self.plan, "parameters", parameters, shape, self.training.ledger.steps)
        )

    def train(
        self, steps: int, shares: Callable[[int], Tensor], size: float = 1.0, after: Callable[[int], None] | None = None
    ) -> list[Signals]:
        """Train, and return the signals of the steps. RunFailed if it costs more than is left."""
        prompts = self._spend(steps, size)
        schedule = Schedule(self.plan.name, shares)
        done = self.training.ledger.steps + steps
        reason = self.training.stage(
            schedule,
            steps=steps,
            prompts=prompts,
            seed=self._seed(),
            last=done if self.left <= ROUNDING else None,
            after=after,
        )
        if reason:
            raise BudgetUsed(reason)
        return schedule.seen

    def score(self, size: float) -> Tensor:
        """How good the model is as it is, [K], on fresh training prompts, equally many of each task.

        Under GRPO the mean reward; under SFT exp(-mean loss): the typical probability of an answer token.
        """
        prompts = self._spend(1, size)
        training, tasks = self.training, len(self.training.tasks)
        watch = StepCallback(training.suite.budget, training.ledger, None, training.show)
        with tempfile.TemporaryDirectory() as folder:
            trainer = training.trainer(Path(folder), 1, prompts, self._seed(), watch)
            trainer.ledger = training.ledger
            training.model.eval()
            found = trainer.score(trainer.deal(torch.full((tasks,), 1 / tasks, dtype=torch.float64)))
        if reason := training.ledger.used_up(training.suite.budget):
            raise BudgetUsed(reason)
        return found

    def _spend(self, steps: int, size: float) -> int:
        """Take steps of that size from what is left; the prompts of one."""
        prompts = round(size * self.training.prompts)
        cost = steps * prompts / self.training.prompts
        if steps < 1 or prompts < 1 or size > 1 + ROUNDING:
            raise RunFailed(f"plan {self.plan.name!r} asked for {steps} steps of size {size:g}; a size is in (0, 1].")
        if cost > self.left + ROUNDING:
            raise RunFailed(f"plan {self.plan.name!r} asked for {cost:g} full steps, {self.left:g} are left.")
        self.left -= cost
        return prompts

    def _seed(self) -> int:
        """Of the next stage's rollouts: the first stage has the run's own, as any other method."""
        seed = seeded(self.training.seed, "stage", self._stage).initial_seed() % 2**31
        self._stage += 1
        return seed if self._stage > 1 else self.training.seed


class Schedule(TaskSampling):
    """Inside a stage: the shares that the plan gave, and the plain mean over prompts."""

    version: ClassVar[int] = 1

    def __init__(self, name: str, shares: Callable[[int], Tensor]) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc] # errors name the plan
        self.shares, self.seen = shares, list[Signals]()

    def proportions(self) -> Tensor:
        return self.shares(len(self.seen))

    def observe(self, signals: Signals) -> None:
        self.seen.append(signals)


def carry_out(plan: RunPlan, training: Training) -> tuple[Sequence[Tensor], str]:
    """Execute a plan: the final parameters, one [P] or one a task, and why it ended early, or ''."""
    stages = Stages(plan, training)
    try:
        final = plan.execute(stages)
    except BudgetUsed as used:
        return [stages.parameters()], str(used)
    size, tasks = sum(stages.layout.sizes), len(training.tasks)
    shape = (tasks, size) if isinstance(final, Tensor) and final.ndim == 2 else (size,)
    checked(plan, "parameters", final, shape, training.ledger.steps)
    return list(final) if final.ndim == 2 else [final], ""
