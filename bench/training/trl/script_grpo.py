"""GRPO in a script of one's own: TRL's trainer, with a method that balances the tasks of the training data.

Private names of trl 1.16.0 that this file relies on: `GRPOTrainer._generate_and_score_completions` (its tensors of n
rows are shuffled and cut together, so that a row's tags stay beside it), `GRPOTrainer._calculate_rewards` (rewards of
all processes, [N, functions]), `GRPOTrainer._step` and `GRPOTrainer._metrics`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from datasets import Dataset, IterableDataset
from torch import Tensor
from transformers import PreTrainedModel
from trl import GRPOConfig, GRPOTrainer

from bench.training.rollouts import reweighted
from bench.training.script.choice import Spec
from bench.training.script.refused import CONTENT, check_options, check_router
from bench.training.script.tally import Sequences
from bench.training.trl.script import TAGS, Balancing
from methods import Rollouts

BY_TOKEN = frozenset({"bnpo", "cispo", "dapo", "vespo"})
"""Loss types that are means over tokens; the others are means over completions."""


class BalancedGRPOTrainer(Balancing, GRPOTrainer):  # type: ignore[misc] # trl publishes no types
    """TRL's `GRPOTrainer`, with a method that balances the tasks which a column of `train_dataset` names.

    model, reward_funcs, args, train_dataset, and further options by name: as in TRL. An option that contradicts the
    balanced step is refused with a UserError that names it.

    method: a name that `bench methods` lists, or the path of a method's file, or a `methods.Method`, class or instance;
    method_settings: by name, a setting per task as a mapping of tasks, or as a list in the order of their sorted names;
    wrapper, wrapper_settings: the same of a wrapper around the method; task_column: holds the name of each row's task;
    tasks: their names, which a stream of rows cannot be asked for.

    A task's gradient is K times its part of the gradient that TRL makes of the step, so that weights of 1/K are TRL's
    own step. Rows are drawn as TRL draws them, unless the method chooses how many of each task a step has; `uniform`
    chooses none and changes nothing. Methods that read rewards take them to be in [0, 1].
    """

    regime = "grpo"

    def __init__(
        self,
        model: str | PreTrainedModel,
        reward_funcs: Any = None,
        args: GRPOConfig | None = None,
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
        super().__init__(model, reward_funcs, args, train_dataset, **options)

        self.settle()
        check_router(self.aux_loss_enabled)
        if self.choice.reweights:
            check_options(self.args, CONTENT, f"method {self.choice.method.name!r}, which changes advantages")

    def counts(self) -> tuple[int, int, int]:
        """Prompts of a step over all processes, the most tokens of a reply, and completions of a prompt."""
        args = self.args
        sequences = args.per_device_train_batch_size * args.gradient_accumulation_steps * self.accelerator.num_processes
        return max(sequences // self.num_generations, 1), self.max_completion_length or 1, self.num_generations

    def redrawn(self, batch: Any, number: int, shares: Tensor) -> Any:
        """Prompts in place of TRL's, each as often as it is answered; only where TRL is about to generate."""
        assert self.draws is not None
        if (self._step + number) % (self.args.steps_per_generation * self.num_iterations):
            return batch
        places = self.draws.take(shares, len(batch) // self.num_generations)
        return [self.train_dataset[place] for place in places for _ in range(self.num_generations)]

    def _calculate_rewards(self, *args: Any, **options: Any) -> Tensor:
        scores: Tensor = super()._calculate_rewards(*args, **options)
        self.scores = scores
        return scores

    def _generate_and_score_completions(self, inputs: list[dict[str, Any]]) -> dict[str, Any]:
        """TRL's rollouts; in training, each with its task, its half, its reward, and whether its group is silent."""
        found: dict[str, Any] = super()._generate_and_score_completions(inputs)
        if not self.model.training:
            return found

        own = torch.tensor([self.place_of(row[self.task_column]) for row in inputs], device=found["advantages"].device)
        everyone = Everyone(self.accelerator.gather, self.accelerator.process_index, len(inputs))
        task = everyone.gather(own)
        group = torch.arange(len(task), device=task.device) // self.num_generations
        rewards = (self.scores * self.reward_weights.to(task.device)).nansum(dim=1)
        rewards[self.scores.isnan().all(dim=1)] = torch.nan

        if self.choice.reweights:
            rollouts = Rollouts(
                task=task,
                group=group,
                rewards=rewards,
                advantages=everyone.gather(found["advantages"]),
                lengths=everyone.gather(found["completion_mask"].sum(dim=1)),
                prompt_lengths=everyone.gather(found["prompt_mask"].sum(dim=1)),
            )
            weighted = reweighted(rollouts, self.choice.method, self.state.global_step)
            found["advantages"] = weighted[everyone.mine].to(found["advantages"].dtype)

        silent = silence(group, everyone.gather(found["advantages"]))
        tags = torch.stack([task, halves(task, group), rewards, silent], dim=1)
        return {**found, TAGS: tags[everyone.mine]}

    def sequences(self, inputs: Mapping[str, Any]) -> Sequences:
        """The completions of a micro-batch; the surrogate's own loss is that of the policy that sampled them."""
        task, half, reward, silent = inputs[TAGS].cpu().unbind(dim=1)
        mask = inputs["completion_mask"]
        entering = mask * inputs["tool_mask"] if "tool_mask" in inputs else mask

        tokens = entering.sum(dim=1).cpu()
        size = tokens if self.loss_type in BY_TOKEN else torch.ones_like(tokens)
        advantage = inputs["advantages"].detach().cpu()
        return Sequences(
            task=task.long(),
            half=half.long(),
            size=size,
            loss=-advantage * size,
            reward=reward,
            advantage=advantage.abs(),
            length=mask.sum(dim=1).cpu(),
            prompt_length=inputs["prompt_mask"].sum(dim=1).cpu(),
            silent=silent,
        )


class Everyone:
    """All processes' rows, in the order of the processes, and which of them are this process's."""

    def __init__(self, gather: Callable[[Tensor], Tensor], rank: int, count: int) -> None:
        self.gather = gather
        self.mine = slice(rank * count, (rank + 1) * count)


def halves(task: Tensor, group: Tensor) -> Tensor:
    """0 or 1 for each completion, [N] float64: every second prompt group of its task, as groups are independent."""
    found = torch.zeros(len(task), dtype=torch.float64, device=task.device)
    for each in torch.unique(task):
        groups = torch.unique(group[task == each])
        found[torch.isin(group, groups[1::2])] = 1
    return found


def silence(group: Tensor, advantages: Tensor) -> Tensor:
    """1 for each completion of a group whose advantages are all 0, else 0; [N] float64."""
    loudest = torch.zeros(int(group.max()) + 1, dtype=advantages.dtype, device=advantages.device)
    loudest.scatter_reduce_(0, group, advantages.abs(), "amax")
    return (loudest == 0)[group].double()
