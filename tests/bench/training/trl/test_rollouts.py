"""How rollouts are sampled: in parts, by vLLM, and by models with adapters; what comes of them is one batch."""

from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import TrainerCallback

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.models.base import load_model
from bench.request.suite import Lora, Recipe, Suite, load_suite
from bench.training.batches import TaskBatch
from bench.training.rollouts import grouped, padded
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import BalancedGRPOTrainer, grpo_config, joined
from methods import Rollouts, RunInfo
from methods.uniform import Uniform
from tasks._registry import get_task

TASKS = ("arithmetic", "column_addition", "lookup")
RECIPE = Recipe(
    steps=1, prompts_per_task=2, rollouts_per_prompt=4, learning_rate=1e-3, max_reply_tokens=12, train_rows=64
)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def suite_of(recipe: dict[str, object], **changes: object) -> Suite:
    given = RECIPE.model_copy(update=recipe)
    return load_suite("smoke-v1").model_copy(update={"recipe": given, **changes})


def trainer_for(folder: Path, recipe: dict[str, object] | None = None, **changes: object) -> BalancedGRPOTrainer:
    suite = suite_of(recipe or {}, **changes)
    model, tokenizer = load_model(suite)
    tasks = [get_task(name) for name in TASKS]
    streams = [PromptStream(task.rows("train", 64), 0) for task in tasks]
    config = grpo_config(suite, 1, 0, 24, folder)
    trainer = BalancedGRPOTrainer(model, tokenizer, config, tasks, streams, suite.recipe)
    gradients = TaskGradients(*trained(model), len(tasks))
    method = Uniform().start(RunInfo(len(tasks), torch.ones(len(tasks)), 1))
    trainer.arm(BalancedStep(gradients, method, None, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def test_rollout_vllm_sets_trls_options(tmp_path):
    config = grpo_config(suite_of({}, rollout="vllm"), 1, 0, 24, tmp_path)
    assert config.use_vllm
    assert config.vllm_mode == "colocate"
    assert config.vllm_importance_sampling_correction, "vLLM's probabilities are not quite the model's"
    assert (config.temperature, config.top_p, config.top_k) == (1.0, 1.0, 0)
    assert not grpo_config(suite_of({}), 1, 0, 24, tmp_path).use_vllm


def test_the_ratio_of_vllm_goes_with_its_completions():
    """By token it is cut as the completions are; by sequence it is one number each."""
    reply = torch.tensor([[1, 1, 0, 0], [1, 1, 1, 0], [1, 1, 1, 1]])
    batch = {
        "prompt_ids": torch.arange(6).view(3, 2),
        "prompt_mask": torch.ones(3, 2, dtype=torch.long),
        "completion_ids": torch.arange(12).view(3, 4),
        "completion_mask": reply,
        "old_per_token_logps": -torch.arange(12.0).view(3, 4),
        "sampling_per_token_logps": -torch.arange(12.0).view(3, 4) / 2,
    }
    chosen, advantages = torch.tensor([1, 0]), torch.tensor([0.5, -0.5, 1.0])
    by_token = padded({**batch, "importance_sampling_ratio": torch.arange(12.0).view(3, 4)}, advantages, chosen)
    assert by_token["importance_sampling_ratio"].tolist() == [[4, 5, 6], [0, 1, 2]]
    assert by_token["old_per_token_logps"].tolist() == [[-4, -5, -6], [0, -1, -2]]
    assert by_token["sampling_per_token_logps"].tolist() == [[-2, -2.5, -3], [0, -0.5, -1]]
    assert by_token["advantages"].tolist() == [-0.5, 0.5]
    by_sequence = padded(
        {**batch, "importance_sampling_ratio": torch.tensor([[7.0], [8.0], [9.0]])}, advantages, chosen
    )
    assert by_sequence["importance_sampling_ratio"].tolist() == [[8.0], [7.0]]


def part(prompt: list[list[int]], reply: list[list[int]], **more: Tensor) -> dict[str, Tensor]:
    ids = {"prompt_ids": torch.tensor(prompt), "completion_ids": torch.tensor(reply)}
    masks = {"prompt_mask": (ids["prompt_ids"] != 9).long(), "completion_mask": (ids["completion_ids"] != 9).long()}
    return {**ids, **masks, "num_items_in_batch": torch.tensor(3), **more}


def test_parts_are_joined_in_order_and_padded_alike():
    """Prompts on the left, replies on the right, ids with the padding token, all else with 0."""
    short = part([[1, 2]], [[3]], advantages=torch.tensor([0.1]), importance_sampling_ratio=torch.tensor([[2.0]]))
    long = part(
        [[9, 5, 6], [4, 5, 6]],
        [[7, 9], [7, 8]],
        advantages=torch.tensor([0.2, 0.3]),
        importance_sampling_ratio=torch.tensor([[3.0, 4.0], [5.0, 6.0]]),
    )
    whole = joined([short, long], padding=9)
    assert whole["prompt_ids"].tolist() == [[9, 1, 2], [9, 5, 6], [4, 5, 6]]
    assert whole["prompt_mask"].tolist() == [[0, 1, 1], [0, 1, 1], [1, 1, 1]]
    assert whole["completion_ids"].tolist() == [[3, 9], [7, 9], [7, 8]]
    assert whole["completion_mask"].tolist() == [[1, 0], [1, 0], [1, 1]]
    assert whole["advantages"].tolist() == pytest.approx([0.1, 0.2, 0.3])
    assert whole["importance_sampling_ratio"].tolist() == [[2, 0], [3, 4], [5, 6]]
    assert "num_items_in_batch" not in whole
    per_sequence = {"importance_sampling_ratio": torch.tensor([[2.0]])}
    both = joined([part([[1]], [[3]], **per_sequence), part([[1]], [[3, 4]], **per_sequence)], padding=9)
    assert both["importance_sampling_ratio"].tolist() == [[2], [2]], "one number a sequence stays one"


def tokens_of(groups: list[TaskBatch[dict[str, Tensor]]]) -> int:
    micros = [micro for group in groups for half in group.halves for micro in half]
    return sum(int(micro.data["completion_mask"].sum()) for micro in micros)


@pytest.mark.parametrize("most", [1, 9, 10_000])
def test_rollouts_in_parts_are_one_batch(tmp_path, most):
    """Parts are whole groups, at least one; order, rewards and lengths are those of the prompts."""
    trainer = trainer_for(tmp_path, {"rollout_batch": most})
    calls: list[int] = []
    sample = trainer._generate_and_score_completions
    trainer._generate_and_score_completions = lambda inputs: calls.append(len(inputs)) or sample(inputs)
    prompts = trainer.draw()
    batch, rollouts = trainer.roll_out(prompts)
    assert calls == {1: [4] * 6, 9: [8] * 3, 10_000: [24]}[most]
    tokenizer = trainer.processing_class
    assert tokenizer.batch_decode(batch["prompt_ids"], skip_special_tokens=True) == [
        row.prompt for _, row in prompts for _ in range(4)
    ]
    replies = tokenizer.batch_decode(batch["completion_ids"], skip_special_tokens=True)
    verdicts = [
        trainer.tasks[task].verify(reply, prompts[group][1])
        for reply, task, group in zip(replies, rollouts.task.tolist(), rollouts.group.tolist(), strict=True)
    ]
    assert verdicts == rollouts.rewards.tolist()
    for group in rollouts.group.unique():
        rewards = rollouts.rewards[rollouts.group == group]
        wanted = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
        torch.testing.assert_close(rollouts.advantages[rollouts.group == group], wanted, atol=1e-5, rtol=1e-4)
    assert rollouts.lengths.equal(batch["completion_mask"].sum(dim=1))
    assert batch["prompt_mask"][:, -1].all()
    assert batch["completion_mask"][:, 0].all()
    groups = grouped(batch, rollouts, rollouts.advantages, 5)
    assert tokens_of(groups) == int(rollouts.lengths.sum()) == trainer.ledger.sampled_tokens
    trainer.model.train()
    trainer.balanced_step.accumulate(groups, trainer.loss_of)


def test_a_part_samples_what_the_whole_would_have(tmp_path):
    """The first part begins from the same generator, so that its first tokens are the same."""
    whole, _ = trainer_for(tmp_path).roll_out(trainer_for(tmp_path).draw())
    trainer = trainer_for(tmp_path, {"rollout_batch": 24})
    same, _ = trainer.roll_out(trainer.draw())
    assert same["completion_ids"].equal(whole["completion_ids"]), "a batch that is not cut is what it was"


class Seen(TrainerCallback):
    """Keeps the gradient of a step, and how often a layer has run in training for it."""

    def __init__(self, trainer: BalancedGRPOTrainer) -> None:
        self.trainer, self.calls = trainer, 0
        layer = next(module for name, module in trainer.model.named_modules() if name.endswith("layers.0.mlp"))
        layer.register_forward_pre_hook(self.count)  # the second run stops before its end

    def count(self, *_: object) -> None:
        self.calls += torch.is_grad_enabled()

    def on_pre_optimizer_step(self, *_: object, **__: object) -> None:
        self.gradient = torch.cat([parameter.grad.flatten() for parameter in trained(self.trainer.model)[0]])


@pytest.mark.parametrize("lora", [Lora(), Lora(r=2)], ids=["full", "lora"])
def test_gradient_checkpointing_keeps_rollouts_and_gradients(tmp_path, lora):
    seen = []
    for on in (False, True):
        trainer = trainer_for(tmp_path, gradient_checkpointing=on, lora=lora)
        if lora.r:
            for parameter in trained(trainer.model)[0]:
                parameter.data.add_(0.01)
        seen.append(Seen(trainer))
        trainer.add_callback(seen[-1])
        trainer.train()
    assert [one.calls for one in seen] == [6, 12], "two halves of three tasks; on, a second time on the way back"
    assert seen[0].gradient.norm() > 0
    assert (seen[0].gradient - seen[1].gradient).norm() <= 1e-5 * seen[0].gradient.norm()


def test_bf16_with_adapters_samples_and_steps(tmp_path):
    trainer = trainer_for(tmp_path, dtype="bf16", lora=Lora(r=2))
    found: set[torch.dtype] = set()
    layer = next(module for name, module in trainer.model.named_modules() if name.endswith("layers.0.mlp"))
    layer.register_forward_hook(lambda *call: found.add(call[2].dtype))
    start = trainer.balanced_step.gradients.parameters_now()
    trainer.train()
    assert found == {torch.bfloat16}, "in rollouts as in losses"
    moved = trainer.balanced_step.gradients.parameters_now()
    assert moved.dtype == torch.float32
    assert not moved.equal(start)


def test_all_rollouts_of_a_silent_step_are_kept():
    """Groups without an advantage stay in the batch: their tokens were sampled and are paid for."""
    nothing, groups = torch.zeros(4), torch.tensor([0, 0, 1, 1])
    found = Rollouts(torch.zeros(4, dtype=torch.long), groups, nothing, nothing, torch.ones(4), torch.ones(4))
    batch = part([[1]] * 4, [[2]] * 4, advantages=nothing)
    (only,) = grouped(batch, found, nothing, 100)
    assert (only.sequences, only.tokens, only.first_share) == (4, 4, 0.5)
