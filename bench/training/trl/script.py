"""TRL's trainers as a script makes them, with the balanced step in place of the plain one.

The loop, data, rollouts, rewards, losses, clip, log and checkpoints are TRL's own. `training_step` hands TRL's loss a
model that takes the batch apart (`bench.training.script.parts`); at the end of a step the task gradients that came of
it are combined, and the result is what TRL clips and steps on.

Private names of transformers 5 that this file relies on: `Trainer._prepare_for_training` (the optimizer exists, nothing
is trained), `Trainer._save_optimizer_and_scheduler` (what `save_only_model` leaves out) and
`Trainer._get_num_items_in_batch`.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import TrainerCallback

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.world import World
from bench.errors import UserError
from bench.training.answers import proportions_of
from bench.training.checkpoint.file import Unusable, read, write_part
from bench.training.checkpoint.tree import poured
from bench.training.script.choice import Choice, Spec, choose, info_of, names_in
from bench.training.script.draws import Draws
from bench.training.script.metrics import Metrics, NoPasses
from bench.training.script.parts import PartedModel
from bench.training.script.refused import EVERY, check_columns, check_options
from bench.training.script.tally import Sequences
from bench.training.script.window import Window
from bench.training.step import BalancedStep
from bench.training.trl.common import trained, unwrapped
from methods import TaskSampling

SAVED = Path("balance") / "method.safetensors"
"""The method's state, in the folder of a checkpoint."""
TAGS = "tags"
"""Key of a batch under which its rows' tasks are, and what else must stay beside them."""


class Balancing:
    """Mixed into a trainer of TRL's. Tasks are in blind order."""

    regime: str
    choice: Choice
    task_column: str
    draws: Draws | None
    accelerator: Any
    args: Any
    model: Any
    state: Any
    train_dataset: Any
    _metrics: dict[str, dict[str, list[float]]]
    _signature_columns: list[str]
    _get_num_items_in_batch: Callable[..., Any]

    def choose(
        self,
        data: Any,
        seed: int,
        method: Spec,
        settings: Mapping[str, Any] | None,
        wrapper: Spec | None,
        wrapper_settings: Mapping[str, Any] | None,
        task_column: str,
        tasks: Sequence[str] | None,
    ) -> None:
        """Settle the tasks and the method; before TRL's constructor."""
        self.task_column = task_column
        if data is None:
            raise UserError("train_dataset is missing: give data with a column that names each row's task.")
        check_columns(getattr(data, "column_names", None), task_column)

        # a stream of rows is not read twice
        listed = hasattr(data, "__len__")
        if not listed and tasks is None:
            raise UserError("train_dataset is a stream, whose tasks are not known before it is read: say tasks=[...].")
        values = list(data[task_column]) if listed else list(tasks or ())
        names = names_in(sorted(set(values), key=str), task_column, tasks)

        self.choice = choose(method, settings, wrapper, wrapper_settings, names, seed, self.regime)
        self.index = {name: place for place, name in enumerate(self.choice.tasks)}
        self.sizes = {name: values.count(name) for name in names} if listed else {}
        if self.choice.samples and not listed:
            raise UserError(
                f"{self.choice.method.name} draws rows by task, and train_dataset is a stream: give a list."
            )

    def settle(self) -> None:
        """Check what TRL made of its configuration, and take part in it; after TRL's constructor."""
        check_options(self.args, EVERY, "a balanced step")
        unwrapped(self.accelerator)
        if self.choice.samples and self.accelerator.num_processes > 1:
            raise UserError(f"{self.choice.method.name} draws rows by task, which one process does: start one.")

        self.draws = None
        if self.choice.samples:
            places: dict[str, list[int]] = {name: [] for name in self.choice.tasks}
            for place, name in enumerate(self.train_dataset[self.task_column]):
                places[name].append(place)
            self.draws = Draws(places, self.args.seed)

        if self.choice.wrapper is not None:
            self.add_callback(_Frozen(self))  # type: ignore[attr-defined] # of the trainer that this is mixed into

    @property
    def task_names(self) -> list[str]:
        """The tasks, sorted: the order of settings per task that are given as a list."""
        return sorted(self.choice.tasks)

    def place_of(self, name: object) -> int:
        """A task's blind index. UserError for a name that is none of the tasks."""
        if name not in self.index:
            known = ", ".join(self.task_names)
            raise UserError(f"a row's column {self.task_column!r} is {name!r}, which is none of the tasks {known}.")
        return self.index[str(name)]

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()  # type: ignore[misc] # of the trainer that this is mixed into
        if self.task_column not in self._signature_columns:
            self._signature_columns = [*self._signature_columns, self.task_column]

    def _prepare_for_training(self, max_steps: int, train_dataloader: Any, resume_from_checkpoint: Any) -> Any:
        found = super()._prepare_for_training(max_steps, train_dataloader, resume_from_checkpoint)  # type: ignore[misc]
        self._begin(max_steps)
        if resume_from_checkpoint is not None:
            self._resume(Path(resume_from_checkpoint) / SAVED)
        return found

    def _begin(self, steps: int) -> None:
        """Make what a step needs, when the model is where it trains."""
        gradients = TaskGradients(*trained(self.model), len(self.choice.tasks), World.now())
        info = info_of(self.sizes, self.choice.tasks, steps, self.counts())

        around = self.choice.begin(info)
        if around is not None:
            around.wrapper.prepare(gradients.parameters_now(), gradients.layout)

        several = self.args.gradient_accumulation_steps > 1
        weighs = self.choice.weighs
        self.window = Window(gradients, weighs, several, self.choice.halves)
        self.balanced_step: BalancedStep[Any] = BalancedStep(
            gradients, self.choice.method, None, RunningLedger(), Metrics(self.choice.tasks, self._metrics), around
        )

    def counts(self) -> tuple[int, int, int]:
        """Prompts of a step over all processes, the most tokens of a reply, and completions of a prompt."""
        raise NotImplementedError

    def sequences(self, inputs: Mapping[str, Any]) -> Sequences:
        """What is counted of a micro-batch's rows."""
        raise NotImplementedError

    def get_batch_samples(self, epoch_iterator: Any, num_batches: int, device: torch.device) -> tuple[list[Any], Any]:
        """TRL's batches of a step; where the method chooses tasks, as many rows of those."""
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)  # type: ignore[misc]
        if self.draws is None or not batches:
            return batches, items

        assert isinstance(self.choice.method, TaskSampling)
        shares = proportions_of(self.choice.method, len(self.choice.tasks), self.state.global_step)
        batches = [self.redrawn(batch, number, shares) for number, batch in enumerate(batches)]
        return batches, self._get_num_items_in_batch(batches, device)

    def redrawn(self, batch: Any, number: int, shares: Tensor) -> Any:
        """A batch of the same size with other rows. number: of the batch in its step."""
        raise NotImplementedError

    def training_step(self, model: Any, inputs: Any, num_items_in_batch: Any = None) -> Tensor:
        """TRL's step over a micro-batch, taken apart; after a step's last, the balanced direction is in `.grad`."""
        if self.window.empty:
            self.window.start()
        parted = PartedModel(model)
        loss: Tensor = super().training_step(parted, inputs, num_items_in_batch)  # type: ignore[misc]
        self.note_losses(parted)
        self.window.add(parted)

        if self.accelerator.sync_gradients:
            self._balance()
        return loss

    def note_losses(self, parted: PartedModel) -> None:
        """Add to what is counted of a micro-batch, now that the model has read it."""

    def compute_loss(self, model: Any, inputs: Any, *args: Any, **options: Any) -> Any:
        """TRL's loss; of a model that takes the batch apart, by the rows' tasks."""
        if isinstance(model, PartedModel):
            model.parts = self.window.deal(self.sequences(inputs))
        untagged = {name: value for name, value in inputs.items() if name != TAGS}
        return super().compute_loss(model, untagged, *args, **options)  # type: ignore[misc]

    def _balance(self) -> None:
        step = self.balanced_step
        seal = step.gradients.seal
        seal.renew(begin=True)

        self.window.close()
        tally = self.window.tally
        step.conclude(tally.losses, tally.measured(self.regime == "grpo"), NoPasses())
        seal.check(f"step {step.ledger.steps}: method {step.method.name!r}")

    def _save_optimizer_and_scheduler(self, output_dir: str) -> None:
        super()._save_optimizer_and_scheduler(output_dir)  # type: ignore[misc]
        if self.args.should_save:
            write_part(Path(output_dir) / SAVED, self._key(), self._states())

    def _states(self) -> dict[str, Any]:
        states = {name: each.state_dict() for name, each in self._stateful().items()}
        return {**states, "steps": self.balanced_step.ledger.steps}

    def _stateful(self) -> dict[str, Any]:
        parts = {"method": self.choice.method, "wrapper": self.choice.wrapper, "draws": self.draws}
        if self.choice.wrapper is not None:
            parts["twin"] = self.choice.twin
        return {name: each for name, each in parts.items() if each is not None}

    def _key(self) -> dict[str, Any]:
        """What must be the same when the state is read."""
        used = {"method": self.choice.method, "wrapper": self.choice.wrapper}
        names = {word: f"{each.name} {each.version}" if each else None for word, each in used.items()}
        return {**names, "tasks": list(self.choice.tasks)}

    def _resume(self, path: Path) -> None:
        try:
            saved = read(path, self._key())
        except Unusable as unusable:
            raise UserError(
                f"the method's state cannot be read from {path}: {unusable}. Resume with the method and the tasks that "
                "the checkpoint was saved with, and with save_only_model=False."
            ) from None

        self.balanced_step.ledger.steps = saved["steps"]
        for name, each in self._stateful().items():
            each.load_state_dict(poured(each.state_dict(), saved[name]))


class _Frozen(TrainerCallback):  # type: ignore[misc] # transformers publishes no types
    """Puts parameters that a wrapper keeps back after a step: weight decay moves them as well."""

    def __init__(self, trainer: Balancing) -> None:
        self.trainer = trainer
        self.start: Tensor | None = None

    def on_step_begin(self, *_: Any, **__: Any) -> None:
        """Remember them."""
        wrapper = self.trainer.choice.wrapper
        if wrapper is not None and wrapper.frozen is not None:
            self.start = self._now()

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Put them back."""
        wrapper = self.trainer.choice.wrapper
        if self.start is not None and wrapper is not None and wrapper.frozen is not None:
            kept = torch.where(wrapper.frozen, self.start, self._now())
            self.trainer.window.gradients.set_parameters(kept)

    def _now(self) -> Tensor:
        gradients = self.trainer.window.gradients
        gradients.seal.renew()  # it is the script's own optimizer and callbacks that change them between steps
        return gradients.parameters_now()
