"""GRPO: rollouts and losses from TRL, everything between them from us.

Private names of trl 1.16.0 that this file relies on, each held by a test:
`GRPOTrainer._generate_and_score_completions` (rows to padded rollouts with group-normalised advantages, in
the order given), `GRPOTrainer.rollout_func` (called for the completions of a step),
`GRPOTrainer._get_per_token_logps_and_entropies` (called for the log-probabilities of a loss) and
`GRPOTrainer._metrics` (emptied every step, because nobody reads it; `_logs` beside it is bounded by trl itself).
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from bench.engine.sampling import Prompt, PromptStream
from bench.engine.world import World
from bench.models.noise import key_of
from bench.models.prompts import asked, encoded, ends, reply_of
from bench.models.sampler import Sampler, Tokens, alike
from bench.models.trainable import merged
from bench.request.suite import Recipe, Suite
from bench.training.batches import Measured, TaskBatch
from bench.training.packing import log_probabilities
from bench.training.prefixes import Prefixes
from bench.training.rollouts import grouped, measure, reweighted, scaled
from bench.training.trl.balanced import Balanced, Batch
from bench.training.trl.common import prompts_per_process, shared_config, unwrapped
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
        router_aux_loss_coef=0.0,  # a router's balance is no task's loss
        use_vllm=suite.rollout == "vllm",
        vllm_mode="colocate",
        shuffle_dataset=False,
    )


class SuiteGRPOTrainer(Balanced, GRPOTrainer):  # type: ignore[misc] # trl publishes no types
    """TRL's GRPO trainer whose step is the balanced one.

    seed: of the run, which fixes the noise of the rollouts; prefixes: decides which micro-batches share their prompts;
    factors: by task name, what its advantages are multiplied by, 1 for others.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        tokenizer: PreTrainedTokenizerBase,
        config: GRPOConfig,
        tasks: Sequence[Task],
        streams: Sequence[PromptStream],
        recipe: Recipe,
        seed: int = 0,
        prefixes: Prefixes | None = None,
        callbacks: Sequence[TrainerCallback] = (),
        factors: Mapping[str, float] | None = None,
    ) -> None:
        sequences = config.per_device_train_batch_size
        self.prepare(tasks, streams, recipe, sequences * World.now().size // recipe.rollouts_per_prompt)

        self.rewards: list[float] = []
        self.factors = [(factors or {}).get(task.name, 1.0) for task in tasks]
        self.wanted: Sequence[Prompt] = ()
        self.packed: Any = None
        self.seed = seed
        self.prefixes = prefixes
        self.ends = ends(model, tokenizer)

        # TRL asks for a data set, though prompts come from the streams: its rows are never read
        super().__init__(
            model=model,
            args=config,
            processing_class=tokenizer,
            reward_funcs=self._reward,
            train_dataset=Dataset.from_dict({"prompt": ["ticket"] * sequences}),
            callbacks=list(callbacks),
        )

        if not self.use_vllm:
            self.rollout_func = self._replies  # set here, as the constructor's argument brings a warning
        unwrapped(self.accelerator)

    def collect(self, prompts: Sequence[Prompt]) -> tuple[list[TaskBatch[Batch]], Measured]:
        """Roll out and verify; advantages as the method wants them."""
        batch, sampled = self.roll_out(prompts)
        rollouts = scaled(sampled, self.factors)
        weighted = reweighted(rollouts, self.method, self.ledger.steps)
        groups = grouped(batch, rollouts, weighted, self.recipe.micro_batch, self.world, self.prefixes)
        return groups, measure(rollouts, weighted, len(self.tasks))

    def loss_of(self, micro: Batch) -> Tensor:
        """TRL's loss of a micro-batch: the mean over its sequences."""
        self.packed = micro.get("packed")
        try:
            return self.compute_loss(self.model, micro)  # type: ignore[no-any-return]
        finally:
            self.packed = None

    def score(self, prompts: Sequence[Prompt]) -> Tensor:
        """Mean rewards, [K]."""
        _, rollouts = self.roll_out(prompts)
        rewards = [rollouts.rewards[rollouts.task == task].double().mean().cpu() for task in range(len(self.tasks))]
        return torch.stack(rewards)

    def roll_out(self, prompts: Sequence[Prompt]) -> tuple[Batch, Rollouts]:
        """Sample and verify completions of each prompt.

        Returns TRL's padded tensors of those that this process sampled, and all processes' as `Rollouts`.
        """
        copies = self.recipe.rollouts_per_prompt
        world = self.world
        own = prompts[world.mine(len(prompts))]
        batch, rewards = self._sampled(own)
        device = batch["advantages"].device

        def everywhere(values: Tensor) -> Tensor:
            return world.gather(values.view(len(own), copies)).flatten()

        rollouts = Rollouts(
            task=torch.tensor([prompt.task for prompt in prompts], device=device).repeat_interleave(copies),
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

    def _sampled(self, wanted: Sequence[Prompt]) -> tuple[Batch, list[float]]:
        """TRL's padded tensors of the completions of some prompts, and their rewards; copies of a prompt adjoin."""
        copies = self.recipe.rollouts_per_prompt
        inputs = [
            {"prompt": asked(self.processing_class, prompt.row.prompt), "row": prompt.row, "task": prompt.task}
            for prompt in wanted
            for _ in range(copies)
        ]
        self.wanted = wanted
        batch = self._generate_and_score_completions(inputs)
        return {name: values for name, values in batch.items() if values.ndim}, self.rewards

    def _replies(self, *_: Any) -> dict[str, Any]:
        """TRL's rollout function: token ids of prompts and completions, copies of a prompt adjoining."""
        recipe = self.recipe
        copies = recipe.rollouts_per_prompt
        padding = self.processing_class.pad_token_id
        sampler = Sampler(self.model, self.ends, padding, recipe.temperature, recipe.max_reply_tokens)
        prompts = [encoded(self.processing_class, prompt.row.prompt) for prompt in self.wanted]
        replies: dict[int, list[Tokens]] = {}

        most = max((recipe.rollout_batch or copies * len(prompts)) // copies, 1)
        with merged(self.model):
            for places in alike(list(map(len, prompts)), most):
                keys = self.keys([self.wanted[place] for place in places])
                sampled = sampler.sample([prompts[place] for place in places], keys)
                self.ledger.rollout_tokens += sampled.computed
                for number, place in enumerate(places):
                    replies[place] = sampled.replies[number * copies : (number + 1) * copies]

        return {
            "prompt_ids": [prompt for prompt in prompts for _ in range(copies)],
            "completion_ids": [reply for place in range(len(prompts)) for reply in replies[place]],
            "logprobs": None,
        }

    def keys(self, prompts: Sequence[Prompt]) -> Tensor:
        """Keys of the noise of replies, [prompts, copies] int64: by the run's seed, task, place of the prompt, copy."""
        rows = [
            [
                key_of("rollout", self.seed, prompt.row.task, prompt.place, copy)
                for copy in range(self.recipe.rollouts_per_prompt)
            ]
            for prompt in prompts
        ]
        return torch.tensor(rows)

    def _reward(self, completions: Sequence[Any], row: Sequence[Row], task: Sequence[int], **_: Any) -> list[float]:
        self.rewards = [
            self.tasks[index].verify(reply_of(reply), asked)
            for reply, asked, index in zip(completions, row, task, strict=True)
        ]
        return self.rewards

    def _get_per_token_logps_and_entropies(self, *args: Any, **options: Any) -> Any:
        """TRL's log-probabilities, or, for a micro-batch with shared prompts, the same computed from its rows."""
        if self.packed is None:
            return super()._get_per_token_logps_and_entropies(*args, **options)

        found = log_probabilities(self.model, self.packed, self.recipe.temperature)
        return found, torch.zeros_like(found), None  # entropies serve metrics that nobody reads here
