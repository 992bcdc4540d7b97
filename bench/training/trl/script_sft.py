"""SFT in a script of one's own: TRL's trainer, with a method that balances the tasks of the training data.

Private names of trl 1.16.0 that this file relies on: `SFTTrainer._metrics`, and that the model's output has `log_probs`
and `label_mask` of every token, [n, T].
"""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset, IterableDataset
from torch import Tensor
from transformers import PreTrainedModel
from trl import SFTConfig, SFTTrainer

from bench.errors import UserError
from bench.training.demonstrations import IGNORED
from bench.training.script.choice import Spec
from bench.training.script.parts import PartedModel
from bench.training.script.refused import SFT, check_options, check_router
from bench.training.script.tally import Sequences
from bench.training.script.window import alternating
from bench.training.trl.script import TAGS, Balancing


class BalancedSFTTrainer(Balancing, SFTTrainer):  # type: ignore[misc] # trl publishes no types
    """TRL's `SFTTrainer`, with a method that balances the tasks which a column of `train_dataset` names.

    Its options are those of `BalancedGRPOTrainer`. Methods that read rewards read the mean loss of a task's tokens;
    those that weight completions are refused.
    """

    regime = "sft"
    data_collator: Any

    def __init__(
        self,
        model: str | PreTrainedModel,
        args: SFTConfig | None = None,
        train_dataset: Dataset | IterableDataset | None = None,
        *,
        method: Spec = "uniform",
        method_settings: Mapping[str, Any] | None = None,
        wrapper: Spec | None = None,
        wrapper_settings: Mapping[str, Any] | None = None,
        task_column: str = "task",
        tasks: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        seed = args.seed if args is not None else 42  # TRL's own, where nothing is configured
        self.choose(train_dataset, seed, method, method_settings, wrapper, wrapper_settings, task_column, tasks)
        if args is not None:
            check_options(args, SFT, "a balanced step")
        super().__init__(model, args=args, train_dataset=train_dataset, **options)

        self.settle()
        check_router(self.aux_loss_enabled)
        self.data_collator = Tagging(self.data_collator, self.task_column, self.index)

    def counts(self) -> tuple[int, int, int]:
        """Rows of a step over all processes, the most tokens of a row, and 1: nothing is sampled."""
        args = self.args
        rows = args.per_device_train_batch_size * args.gradient_accumulation_steps * self.accelerator.num_processes
        return rows, args.max_length or 1, 1

    def redrawn(self, batch: Any, number: int, shares: Tensor) -> Any:
        """Rows in place of TRL's."""
        assert self.draws is not None
        places = self.draws.take(shares, len(batch["input_ids"]))
        return self.data_collator([self.train_dataset[place] for place in places])

    def sequences(self, inputs: Mapping[str, Any]) -> Sequences:
        """The rows of a micro-batch. Their losses are known when the model has read them."""
        task = inputs[TAGS].cpu()
        if (task < 0).any():
            raise UserError(
                f"a row of train_dataset has a column {self.task_column!r} that names none of the tasks "
                f"{', '.join(self.task_names)}."
            )

        if self.window.tally.sums["count"].sum() == 0:
            self.seen = [0] * len(self.choice.tasks)

        tokens = (inputs["labels"][:, 1:] != IGNORED).sum(dim=1).cpu()
        whole = inputs.get("attention_mask", torch.ones_like(inputs["labels"])).sum(dim=1).cpu()
        unknown = torch.full((len(task),), torch.nan, dtype=torch.float64)
        return Sequences(
            task=task,
            half=torch.tensor(alternating(task.tolist(), self.seen)),
            size=tokens,
            loss=torch.zeros(len(task), dtype=torch.float64),
            reward=unknown,
            advantage=unknown,
            length=tokens,
            prompt_length=whole - tokens,
            silent=torch.zeros(len(task), dtype=torch.float64),
        )

    def note_losses(self, parted: PartedModel) -> None:
        """Add the losses of the parts' tokens to what is counted."""
        for part, output in zip(parted.parts, parted.outputs, strict=True):
            self.window.tally.sums["loss"][part.task] -= output.log_probs.detach().double().sum().cpu()


class Tagging:
    """TRL's collator, which passes the rows' tasks on beside its tensors, as blind indices; -1 for any other name."""

    def __init__(self, collator: Any, column: str, index: Mapping[str, int]) -> None:
        self.collator = collator
        self.column = column
        self.index = index

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """A batch; rows that are evaluated need not name a task."""
        names = [row.get(self.column) for row in rows]
        batch: dict[str, Any] = self.collator([{key: row[key] for key in row if key != self.column} for row in rows])
        batch[TAGS] = torch.tensor([self.index.get(str(name), -1) for name in names])
        return batch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.collator, name)
