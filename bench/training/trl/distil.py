"""Distillation in the GRPO trainer: a student learns from teachers, on its own completions or on theirs.

Private name of trl 1.16.0 that this file relies on: `GRPOTrainer._get_per_token_logps_and_entropies`, the
log-probabilities of padded completions; and that `compute_loss` takes advantages of every token, [n, T].
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import groupby

import torch
from torch import Tensor

from bench.engine.sampling import Prompt
from bench.errors import UserError
from bench.training.batches import Measured, TaskBatch
from bench.training.rollouts import grouped, measure, mine
from bench.training.trl.balanced import Batch
from bench.training.trl.grpo import SuiteGRPOTrainer
from methods import Rollouts

LEFT = ("prompt_ids", "prompt_mask")
"""What is padded on the left."""
RIGHT = ("completion_ids", "completion_mask")


@dataclass(frozen=True)
class Teaching:
    """Teachers, and whose completions they judge. models: [K, P], the teacher of each task; own: the student's own."""

    models: Tensor
    own: bool


class DistillingTrainer(SuiteGRPOTrainer):
    """The balanced GRPO trainer whose advantages come from teachers, for each token.

    On the student's own completions it is the teacher's log-probability less the student's, so that the step is that
    of the reverse KL divergence. On a teacher's it is the reward, so that the step is that of the likelihood of what a
    verifier accepted.
    """

    teaching: Teaching

    def collect(self, prompts: Sequence[Prompt]) -> tuple[list[TaskBatch[Batch]], Measured]:
        """Completions, and what the teachers say of them."""
        if self.teaching.own:
            batch, rollouts = self.roll_out(prompts)
            said = self.told_apart(batch, rollouts)
        else:
            batch, rollouts = self.roll_out_teachers(prompts)
            said = rollouts.rewards[:, None] * batch["completion_mask"]

        factors = torch.tensor(self.factors, dtype=said.dtype, device=said.device)
        said = said * factors[rollouts.task[mine(rollouts, self.world)]][:, None]
        batch["token_advantages"] = said

        # One number a completion stands for its tokens where completions are counted: their mean size.
        sizes = said.abs().sum(dim=1) / batch["completion_mask"].sum(dim=1).clamp(min=1)
        copies = self.recipe.rollouts_per_prompt
        advantages = self.world.gather(sizes.view(-1, copies)).flatten()
        groups = grouped(batch, rollouts, advantages, self.recipe.micro_batch, self.world)
        return groups, measure(rollouts, advantages, len(self.tasks))

    def loss_of(self, micro: Batch) -> Tensor:
        """TRL's loss with an advantage for every token: the mean over sequences of their mean over tokens."""
        return super().loss_of({**micro, "advantages": micro["token_advantages"]})

    def told_apart(self, batch: Batch, rollouts: Rollouts) -> Tensor:
        """Log-probability of every token by its task's teacher, less that by the student, [n, T]; 0 where padded."""
        student = self.log_probabilities(batch)
        teacher = torch.zeros_like(student)
        task = rollouts.task[mine(rollouts, self.world)]

        engine = self.balanced_step.gradients
        kept = engine.parameters_now()
        try:
            for each in torch.unique(task).tolist():
                engine.set_parameters(self.teaching.models[each].to(kept))
                rows = task == each
                teacher[rows] = self.log_probabilities({name: batch[name][rows] for name in (*LEFT, *RIGHT)})
        finally:
            engine.set_parameters(kept)

        computed = 2 * sum(batch[name].numel() for name in ("prompt_ids", "completion_ids"))
        self.ledger.charge(2 * len(rollouts.task), 0, computed, backward=False)  # none of their tokens enters a loss
        return (teacher - student) * batch["completion_mask"]

    @torch.no_grad()
    def log_probabilities(self, batch: Batch) -> Tensor:
        """Log-probabilities of the completion tokens by the model as it is, at the rollouts' temperature, [n, T]."""
        tokens = torch.cat([batch["prompt_ids"], batch["completion_ids"]], dim=1)
        mask = torch.cat([batch["prompt_mask"], batch["completion_mask"]], dim=1)
        width = batch["completion_ids"].shape[1]
        found: Tensor = self._get_per_token_logps_and_entropies(
            self.model, tokens, mask, width, batch_size=self.recipe.micro_batch
        )[0]
        return found

    def roll_out_teachers(self, prompts: Sequence[Prompt]) -> tuple[Batch, Rollouts]:
        """Roll out as `roll_out` does, every prompt answered by the teacher of its task."""
        if self.world.size > 1 or self.use_vllm:
            raise UserError("teachers' completions are sampled by one process, without vLLM; run it so.")

        engine = self.balanced_step.gradients
        kept = engine.parameters_now()
        batches = list[Batch]()
        found = list[Rollouts]()
        try:
            for task, asked in groupby(prompts, key=lambda prompt: prompt.task):
                engine.set_parameters(self.teaching.models[task].to(kept))
                batch, rollouts = self.roll_out(list(asked))
                batches.append(batch)
                found.append(rollouts)
        finally:
            engine.set_parameters(kept)

        return joined_batches(batches, self.processing_class.pad_token_id), joined_rollouts(found)


def joined_batches(parts: Sequence[Batch], padding: int) -> Batch:
    """Prompts and completions that were sampled apart, padded alike, in their order."""
    result = {}
    for name in (*LEFT, *RIGHT):
        fill = padding if name.endswith("_ids") else 0
        width = max(part[name].shape[1] for part in parts)

        rows = []
        for part in parts:
            more = width - part[name].shape[1]
            rows.append(torch.nn.functional.pad(part[name], (more, 0) if name in LEFT else (0, more), value=fill))
        result[name] = torch.cat(rows)

    return result


def joined_rollouts(parts: Sequence[Rollouts]) -> Rollouts:
    """Rollouts of several calls as one: their groups are numbered on."""
    values = {field.name: [getattr(part, field.name) for part in parts] for field in fields(Rollouts)}

    before = 0
    for place, part in enumerate(parts):
        values["group"][place] = part.group + before
        before += int(part.group.max()) + 1

    return Rollouts(**{name: torch.cat(each) for name, each in values.items()})
