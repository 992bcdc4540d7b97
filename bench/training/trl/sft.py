"""SFT: the loss from TRL, on demonstrations of each task, everything between them from us.

A task's loss is the mean over the answer tokens of its batch: every token of a task counts the same. There are no
rewards: methods that take the reward gap take the loss.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import SFTConfig, SFTTrainer

from bench.engine.sampling import Prompt, PromptStream
from bench.engine.world import World
from bench.request.suite import Recipe, Suite
from bench.training.batches import Measured, TaskBatch
from bench.training.demonstrations import Demonstration, counted, demonstrations, task_batches
from bench.training.trl.balanced import Balanced, Batch
from bench.training.trl.common import prompts_per_process, shared_config, unwrapped
from tasks import Task

Prompts = Sequence[Prompt]


def sft_config(suite: Suite, steps: int, seed: int, prompts: int, folder: Path) -> SFTConfig:
    """TRL's settings for a suite. prompts: demonstrations a step, over all processes."""
    return SFTConfig(
        **shared_config(suite, steps, seed, folder),
        per_device_train_batch_size=prompts_per_process(prompts),
        max_length=None,
        packing=False,
        loss_type="nll",
        router_aux_loss_coef=0.0,  # a router's balance is no task's loss
        dataset_kwargs={"skip_prepare_dataset": True},
    )


class SuiteSFTTrainer(Balanced, SFTTrainer):  # type: ignore[misc] # trl publishes no types
    """TRL's SFT trainer whose step is the balanced one. validation: streams of rows that are not trained on."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        config: SFTConfig,
        tasks: Sequence[Task],
        streams: Sequence[PromptStream],
        validation: Sequence[PromptStream],
        recipe: Recipe,
        callbacks: Sequence[TrainerCallback] = (),
    ) -> None:
        self.prepare(tasks, streams, recipe, config.per_device_train_batch_size * World.now().size)
        self.validation = list(validation)

        super().__init__(
            model=model,
            args=config,
            processing_class=tokenizer,
            train_dataset=Dataset.from_dict({"input_ids": [[0]], "labels": [[0]]}),
            callbacks=list(callbacks),
        )
        unwrapped(self.accelerator)

    def collect(self, prompts: Prompts) -> tuple[list[TaskBatch[Batch]], Measured]:
        """Demonstrations of the prompts, by task; the validation loss where the method needs it."""
        shown = self._shown(prompts)
        self.ledger.prompts += len(prompts)
        losses = self.validated() if "validation_loss" in self.method.needs else None
        return self._batches(shown), counted(shown, len(self.tasks), losses)

    def loss_of(self, micro: Batch) -> Tensor:
        """TRL's loss of a micro-batch: the mean over its answer tokens."""
        return self.compute_loss(self.model, dict(micro))  # type: ignore[no-any-return]

    def validated(self) -> Tensor:
        """Mean losses, [K] float64, on the next rows that are kept from training; charged as forward passes."""
        count = self.recipe.prompts_per_task
        asked = [
            Prompt(task, row, place) for task, stream in enumerate(self.validation) for place, row in stream.take(count)
        ]
        return self.losses(asked)

    def score(self, prompts: Prompts) -> Tensor:
        """The typical probability of an answer token, exp(-mean loss), [K]."""
        self.ledger.prompts += len(prompts)
        return (-self.losses(prompts)).exp()

    def losses(self, prompts: Prompts) -> Tensor:
        """Mean losses of the model as it is, [K] float64, without a gradient; NaN for a task without prompts."""
        found = torch.full((len(self.tasks),), float("nan"), dtype=torch.float64)

        training = self.model.training
        self.model.eval()

        for batch in self._batches(self._shown(prompts)):
            total = torch.zeros((), dtype=torch.float64)
            with torch.no_grad():
                for half in batch.halves:
                    for micro in half:
                        total += self.loss_of(micro.data).double().cpu() * micro.share

            self.ledger.charge(batch.sequences, batch.tokens, batch.computed, backward=False)
            found[batch.task] = self.world.sum(total)

        self.model.train(training)
        return found

    def _shown(self, prompts: Prompts) -> list[Demonstration]:
        return demonstrations(self.tasks, prompts, self.processing_class, self.recipe.max_reply_tokens)

    def _batches(self, shown: Sequence[Demonstration]) -> list[TaskBatch[Batch]]:
        padding, device = self.processing_class.pad_token_id, self.accelerator.device
        return task_batches(shown, self.recipe.micro_batch, self.world, padding, device)
