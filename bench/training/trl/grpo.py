"""GRPO: rollouts and losses from TRL, everything between them from us.

Private names of trl 1.16.0 that this file relies on, each held by a test:
`GRPOTrainer._generate_and_score_completions` (rows to padded rollouts with group-normalised advantages, in
the order given) and `GRPOTrainer._metrics` (emptied every step, because nobody reads it; `_logs` beside it is
bounded by trl itself).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from bench.engine.sampling import PromptStream
from bench.engine.world import World
from bench.models.prompts import asked, reply_of
from bench.request.suite import Recipe, Suite
from bench.training.batches import Measured, TaskBatch
from bench.training.rollouts import grouped, measure, reweighted, scaled
from bench.training.trl.balanced import Balanced, Batch
from bench.training.trl.common import prompts_per_process, shared_config
from methods import Rollouts
from tasks import Row, Task


def grpo_config(
    suite: Suite, steps: int, seed: int, sequences: int, folder: Path, extra_passes: bool = False
) -> GRPOConfig:
    """TRL's settings for a suite.

    sequences: completions a step, over all processes; folder: where the trainer may put files; it puts none;
    extra_passes: losses are also taken away from the policy that sampled, so that its probabilities must be kept.
    """
    recipe = suite.recipe
    return GRPOConfig(
        **shared_config(suite, steps, seed, folder),
        per_device_train_batch_size=prompts_per_process(sequences // recipe.rollouts_per_prompt)
        * recipe.rollouts_per_prompt,
        num_generations=recipe.rollouts_per_prompt,
        steps_per_generation=1,
        num_iterations=2 if extra_passes else 1,  # above 1, TRL keeps the sampling policy's probabilities
        max_completion_length=recipe.max_reply_tokens,
        temperature=recipe.temperature,
        top_p=1.0,
        top_k=0,
        beta=0.0,
        epsilon=recipe.clip_range,
        loss_type="grpo",
        scale_rewards="group",
        use_vllm=suite.rollout == "vllm",
        vllm_mode="colocate",
        shuffle_dataset=False,
    )


class BalancedGRPOTrainer(Balanced, GRPOTrainer):  # type: ignore[misc] # trl publishes no types
    """TRL's GRPO trainer whose step is the balanced one."""

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        config: GRPOConfig,
        tasks: Sequence[Task],
        streams: Sequence[PromptStream],
        recipe: Recipe,
        callbacks: Sequence[TrainerCallback] = (),
        factors: Mapping[str, float] | None = None,
    ) -> None:
        """factors: by task name, what its advantages are multiplied by; 1 for others."""
        sequences = config.per_device_train_batch_size
        self.prepare(tasks, streams, recipe, sequences * World.now().size // recipe.rollouts_per_prompt)
        self.rewards: list[float] = []
        self.factors = [(factors or {}).get(task.name, 1.0) for task in tasks]
        super().__init__(
            model=model,
            args=config,
            processing_class=tokenizer,
            reward_funcs=self._reward,
            train_dataset=Dataset.from_dict({"prompt": ["ticket"] * sequences}),
            callbacks=list(callbacks),
        )
        self.unwrapped()

    def collect(self, prompts: Sequence[tuple[int, Row]]) -> tuple[list[TaskBatch[Batch]], Measured]:
        """Roll out and verify; advantages as the method wants them."""
        batch, sampled = self.roll_out(prompts)
        rollouts = scaled(sampled, self.factors)
        weighted = reweighted(rollouts, self.method, self.ledger.steps)
        groups = grouped(batch, rollouts, weighted, self.recipe.micro_batch, self.world)
        return groups, measure(rollouts, weighted, len(self.tasks))

    def loss_of(self, micro: Batch) -> Tensor:
        """TRL's loss of a micro-batch: the mean over its sequences."""
        return self.compute_loss(self.model, micro)  # type: ignore[no-any-return]

    def score(self, prompts: Sequence[tuple[int, Row]]) -> Tensor:
        """Mean rewards, [K]."""
        _, rollouts = self.roll_out(prompts)
        rewards = [rollouts.rewards[rollouts.task == task].double().mean().cpu() for task in range(len(self.tasks))]
        return torch.stack(rewards)

    def roll_out(self, prompts: Sequence[tuple[int, Row]]) -> tuple[Batch, Rollouts]:
        """Sample and verify completions of each prompt.

        Returns TRL's padded tensors of those that this process sampled, and all processes' as `Rollouts`.
        """
        copies, world = self.recipe.rollouts_per_prompt, self.world
        own = prompts[world.mine(len(prompts))]
        batch, rewards = self._sampled([copy for prompt in own for copy in [prompt] * copies])
        device = batch["advantages"].device

        def everywhere(values: Tensor) -> Tensor:
            return world.gather(values.view(len(own), copies)).flatten()

        rollouts = Rollouts(
            task=torch.tensor([task for task, _ in prompts], device=device).repeat_interleave(copies),
            group=torch.arange(len(prompts), device=device).repeat_interleave(copies),
            rewards=everywhere(torch.tensor(rewards, device=device)),
            advantages=everywhere(batch["advantages"]),
            lengths=everywhere(batch["completion_mask"].sum(dim=1)),
            prompt_lengths=everywhere(batch["prompt_mask"].sum(dim=1)),
        )
        self.ledger.prompts += len(prompts)
        self.ledger.rollouts += len(rollouts.task)
        self.ledger.reward_calls += len(rollouts.task)
        self.ledger.sampled_tokens += int(rollouts.lengths.sum())
        if "old_per_token_logps" in batch:
            self.ledger.forward_passes += len(rollouts.task)
        return batch, rollouts

    def _sampled(self, wanted: Sequence[tuple[int, Row]]) -> tuple[Batch, list[float]]:
        """TRL's padded tensors for prompts that are repeated, and rewards; in parts of whole groups if asked."""
        copies, most = self.recipe.rollouts_per_prompt, self.recipe.rollout_batch or len(wanted)
        size, parts, rewards = max(most // copies, 1) * copies, list[Batch](), list[float]()
        for start in range(0, len(wanted), size):
            inputs = [
                {"prompt": asked(self.processing_class, row.prompt), "row": row, "task": task}
                for task, row in wanted[start : start + size]
            ]
            parts.append(self._generate_and_score_completions(inputs))
            rewards += self.rewards
        return (parts[0] if len(parts) == 1 else joined(parts, self.processing_class.pad_token_id)), rewards

    def _reward(self, completions: Sequence[Any], row: Sequence[Row], task: Sequence[int], **_: Any) -> list[float]:
        self.rewards = [
            self.tasks[index].verify(reply_of(reply), asked)
            for reply, asked, index in zip(completions, row, task, strict=True)
        ]
        return self.rewards


LEFT = ("prompt_ids", "prompt_mask")
"""What is padded on the left; the rest on the right."""


def joined(parts: Sequence[Batch], padding: int) -> Batch:
    """Batches that were sampled apart, as one: padded alike, in their order."""
    result = {}
    for name, first in parts[0].items():
        tensors = [part[name] for part in parts]
        if first.ndim == 0:
            continue  # a count over TRL's own batch
        if first.ndim == 2:
            width = max(tensor.shape[1] for tensor in tensors)
            fill = padding if name.endswith("_ids") else 0
            tensors = [_wide(tensor, width, fill, left=name in LEFT) for tensor in tensors]
        result[name] = torch.cat(tensors)
    return result


def _wide(tensor: Tensor, width: int, fill: int, left: bool) -> Tensor:
    more = width - tensor.shape[1]
    return torch.nn.functional.pad(tensor, (more, 0) if left else (0, more), value=fill)
