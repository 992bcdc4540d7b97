"""A plan of runs, carried out: its stages train one model after the other, under one ledger and one budget."""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from torch import Tensor

from bench.engine.sampling import seeded
from bench.errors import RunFailed
from bench.training.answers import checked
from bench.training.callback import StepCallback
from bench.training.checkpoint.closures import Callback
from bench.training.replay import Replay
from bench.training.training import Training
from bench.training.trl.distil import Teaching
from methods import RunPlan, Signals, TaskSampling

ROUNDING = 1e-6
"""What sums of parts of steps may be over, in full steps."""


class BudgetUsed(Exception):
    """A counter of the suite's budget is used up in the middle of a plan."""


class Stages:
    """`methods._base.Stages` in the harness."""

    def __init__(self, plan: RunPlan, training: Training) -> None:
        self.plan = plan
        self.training = training
        self.layout = training.gradients.layout
        self.left = float(training.suite.recipe.steps)
        self.replay = Replay(plan, training.checkpoints, training.restore_model)

        self._stage = 0
        self._inside = False
        self._trained = False
        """Whether a stage has trained since the parameters were last read or set; else earlier calls tell them."""

    def parameters(self) -> Tensor:
        """A copy of the model's trained parameters, [P]."""
        now = self.training.gradients.parameters_now
        if self._inside:
            return now()

        trained = self._trained
        self._trained = False
        found = self.replay.answer("parameters", lambda: now().cpu() if trained else None)
        if found is not None:
            self.training.gradients.set_parameters(found)
        return now()

    def load(self, parameters: Tensor) -> None:
        """Set the model's trained parameters, [P]."""
        shape = (sum(self.layout.sizes),)
        self._trained = self._inside
        self.training.gradients.set_parameters(
            checked(self.plan, "parameters", parameters, shape, self.training.ledger.steps)
        )

    def train(
        self,
        steps: int,
        shares: Callable[[int], Tensor],
        size: float = 1.0,
        after: Callable[[int], None] | None = None,
        observe: Callable[[Signals], None] | None = None,
    ) -> list[Signals]:
        """Train, and return the signals of the steps. RunFailed if it costs more than is left."""
        return self._staged("train", steps, size, (shares, after, observe))

    def distil(
        self, steps: int, teachers: Tensor, shares: Callable[[int], Tensor], size: float = 1.0, own: bool = True
    ) -> list[Signals]:
        """Train on what teachers, [K, P], say of the student's own completions, or on their own."""
        width = sum(self.layout.sizes)
        checked(self.plan, "teachers", teachers, (len(self.training.tasks), width), self.training.ledger.steps)
        return self._staged("distil", steps, size, (shares, None, None), Teaching(teachers, own))

    def _staged(
        self,
        asked: str,
        steps: int,
        size: float,
        callbacks: tuple[Callable[[int], Tensor], Callable[[int], None] | None, Callable[[Signals], None] | None],
        teaching: Teaching | None = None,
    ) -> list[Signals]:
        """One training with a fresh optimizer. callbacks: shares, what comes after a step, and who observes it."""
        prompts = self._spend(steps, size)
        seed = self._seed()
        shares, after, observe = callbacks

        def live() -> list[Signals]:
            schedule = Schedule(self.plan.name, shares, observe)
            with self._in_progress(callbacks):
                reason = self.training.stage(
                    schedule,
                    steps=steps,
                    prompts=prompts,
                    seed=seed,
                    final=self.left <= ROUNDING,
                    after=after,
                    teaching=teaching,
                )
            if reason:
                raise BudgetUsed(reason)
            return schedule.seen

        self._trained = True
        return self.replay.answer(asked, live, callbacks)

    def score(self, size: float) -> Tensor:
        """How good the model is as it is, [K], on fresh training prompts, equally many of each task.

        Under GRPO the mean reward; under SFT exp(-mean loss): the typical probability of an answer token.
        """
        prompts = self._spend(1, size)
        seed = self._seed()
        return self.replay.answer("score", lambda: self._score(prompts, seed))

    def _score(self, prompts: int, seed: int) -> Tensor:
        training = self.training
        tasks = len(training.tasks)
        watch = StepCallback(training.suite.budget, training.ledger, None, training.show)

        with tempfile.TemporaryDirectory() as folder:
            trainer = training.trainer(Path(folder), 1, prompts, seed, watch)
            trainer.ledger = training.ledger
            training.model.eval()
            found = trainer.score(trainer.deal(torch.full((tasks,), 1 / tasks, dtype=torch.float64)))

        if reason := training.ledger.used_up(training.suite.budget):
            raise BudgetUsed(reason)
        return found

    @contextmanager
    def _in_progress(self, callbacks: Sequence[Callback]) -> Iterator[None]:
        """A stage: what its callbacks ask is no call of the plan's, and what they remember is saved with it."""
        checkpoints = self.training.checkpoints
        if memory := checkpoints.take("memory"):
            self.replay.remember(callbacks, memory)
        checkpoints.keep("memory", lambda: self.replay.memory(callbacks))

        self._inside = True
        try:
            yield
        finally:
            self._inside = False
            checkpoints.drop("memory")

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
        """The seed of the next stage's rollouts: the first stage has the run's own, as any other method."""
        seed = seeded(self.training.seed, "stage", self._stage).initial_seed() % 2**31
        self._stage += 1
        return seed if self._stage > 1 else self.training.seed


class Schedule(TaskSampling):
    """The method inside a stage: the shares that the plan gave, and the plain mean over prompts."""

    version = 1
    state = ("seen",)

    def __init__(
        self, name: str, shares: Callable[[int], Tensor], told: Callable[[Signals], None] | None = None
    ) -> None:
        super().__init__()
        self.name = name  # type: ignore[misc] # errors name the plan
        self.shares = shares
        self.told = told
        self.seen = list[Signals]()

    def proportions(self) -> Tensor:
        return self.shares(len(self.seen))

    def observe(self, signals: Signals) -> None:
        self.seen.append(signals)
        if self.told is not None:
            self.told(signals)


def carry_out(plan: RunPlan, training: Training) -> tuple[list[Tensor], str]:
    """Execute a plan: the final parameters, one [P] or one a task, and why it ended early, or ''."""
    stages = Stages(plan, training)
    try:
        final = plan.execute(stages)
    except BudgetUsed as used:
        return [training.gradients.parameters_now()], str(used)

    size = sum(stages.layout.sizes)
    tasks = len(training.tasks)
    shape = (tasks, size) if isinstance(final, Tensor) and final.ndim == 2 else (size,)
    checked(plan, "parameters", final, shape, training.ledger.steps)
    return list(final) if final.ndim == 2 else [final], ""
