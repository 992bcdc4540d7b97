"""What both trainers share: tickets in place of data, and a training step that is the balanced one."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.utils.data import DataLoader
from transformers import PreTrainedModel

from bench.engine.postcheck import cosines_to_mean
from bench.engine.sampling import Apportionment, Prompt, PromptStream
from bench.engine.world import World
from bench.request.suite import Recipe
from bench.training.answers import proportions_of
from bench.training.batches import Measured, TaskBatch
from bench.training.callback import StepCallback
from bench.training.step import BalancedStep
from bench.training.witness import Witness
from methods import TaskSampling
from tasks import Task

Batch = dict[str, Tensor]


class Balanced(ABC):
    """Mixed into a trainer of TRL's. Tasks are in blind order throughout.

    The data loader only deals tickets: the prompts of a step are drawn when it begins, so that a sampling method acts
    at once. Every process draws all prompts, and takes its part.
    """

    tasks: Sequence[Task]
    streams: Sequence[PromptStream]
    recipe: Recipe
    apportionment: Apportionment
    accelerator: Any
    model: PreTrainedModel
    optimizer: Any
    lr_scheduler: Any
    state: Any
    train: Callable[[], Any]
    _metrics: dict[str, dict[str, list[float]]]

    def prepare(self, tasks: Sequence[Task], streams: Sequence[PromptStream], recipe: Recipe, prompts: int) -> None:
        """Set what TRL's own constructor asks for. prompts: of a step, over all tasks and processes."""
        self.world = World.now()
        self.tasks = list(tasks)
        self.streams = list(streams)
        self.recipe = recipe
        self.apportionment = Apportionment(len(tasks), prompts)

    def arm(self, step: BalancedStep[Batch], watch: StepCallback | None = None, schedule: int | None = None) -> None:
        """Give the trainer what a step needs; before `train`.

        schedule: steps of the learning rate's schedule, where the trainer makes only the last of them.
        """
        self.balanced_step = step
        self.method = step.method
        self.ledger = step.ledger
        self.watch = watch
        self.schedule = schedule
        self.witness = Witness(step.gradients, self.recipe, schedule or self.recipe.steps)
        if watch:
            watch.stepped = lambda: self.witness.stepped(self.optimizer)

    def create_scheduler(self, num_training_steps: int, optimizer: Any = None) -> Any:
        """The learning rate's schedule over the whole stage."""
        steps = self.schedule or num_training_steps
        return super().create_scheduler(steps, optimizer)  # type: ignore[misc] # the trainer that this is mixed into

    def get_train_dataloader(self) -> DataLoader[dict[str, int]]:
        """One ticket a step."""
        tickets = [{"ticket": step} for step in range(self.recipe.steps)]
        return DataLoader(tickets, batch_size=1)  # type: ignore[arg-type]

    @abstractmethod
    def collect(self, prompts: Sequence[Prompt]) -> tuple[list[TaskBatch[Batch]], Measured]:
        """The step's task batches, and what is counted of them."""

    @abstractmethod
    def loss_of(self, micro: Batch) -> Tensor:
        """Mean loss of a micro-batch."""

    @abstractmethod
    def score(self, prompts: Sequence[Prompt]) -> Tensor:
        """How good the model is as it is, [K] float64 in [0, 1]: for plans that choose between models."""

    def training_step(self, model: torch.nn.Module, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """Draw prompts, make task batches, and leave the balanced direction in `.grad`."""
        model.train()
        step = self.balanced_step

        # a method that writes to the parameters would train past the ledger
        step.gradients.seal.check(f"after step {self.ledger.steps}, something other than the harness")
        groups, measured = self.collect(self.draw())
        with alone(self.accelerator):
            loss = step(groups, self.loss_of, measured)
        step.gradients.seal.check(f"step {self.ledger.steps}: method {self.method.name!r}")

        assert step.signals is not None
        gramian = step.signals.gramian.matrix
        cosines = cosines_to_mean(step.gradients, gramian, measured.shares, step.max_norm, self.optimizer)
        step.probe.amend(self.intended, *cosines)
        self.witness.before(self.optimizer)

        # TRL adds to them at every loss, and nobody reads them
        self._metrics["train"].clear()
        if self.watch:
            self.watch.rewards = measured.rewards.tolist()

        return loss

    def draw(self) -> list[Prompt]:
        """This step's prompts, as many of each task as the method wants."""
        count = len(self.tasks)
        shares = torch.full((count,), 1 / count, dtype=torch.float64)
        if isinstance(self.method, TaskSampling):
            shares = proportions_of(self.method, count, self.ledger.steps)

        self.intended = shares
        return self.deal(shares)

    def deal(self, shares: Tensor) -> list[Prompt]:
        """A step's prompts, shared out as `shares`, [K], of sum 1."""
        counts = self.apportionment.counts(shares)
        return [
            Prompt(task, row, place)
            for task, (count, stream) in enumerate(zip(counts, self.streams, strict=True))
            for place, row in stream.take(count)
        ]


@contextmanager
def alone(accelerator: Any) -> Iterator[None]:
    """TRL's losses without the metrics that it gathers: processes differ in how many losses they take."""
    if accelerator.num_processes == 1:
        yield
        return

    names: tuple[str, ...] = ("gather", "gather_for_metrics", "reduce")
    kept: dict[str, Callable[..., Any]] = {name: getattr(accelerator, name) for name in names}

    for name in names:
        setattr(accelerator, name, lambda values, **_: values)

    try:
        yield
    finally:
        for name, function in kept.items():
            setattr(accelerator, name, function)
