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
from bench.models.sampler import Sampler
from bench.request.suite import Lora, Recipe, Suite, load_suite
from bench.training.batches import TaskBatch
from bench.training.prefixes import Prefixes
from bench.training.rollouts import grouped, padded
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
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


def trainer_for(folder: Path, recipe: dict[str, object] | None = None, **changes: object) -> SuiteGRPOTrainer:
    suite = suite_of(recipe or {}, **changes)
    model, tokenizer = load_model(suite)
    tasks = [get_task(name) for name in TASKS]
    streams = [PromptStream(task.rows("train", 64), 0) for task in tasks]
    config = grpo_config(suite, 1, 0, 24, folder)
    prefixes = Prefixes(model, suite.recipe.packing, tokenizer.pad_token_id)
    trainer = SuiteGRPOTrainer(model, tokenizer, config, tasks, streams, suite.recipe, 0, prefixes)
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


def tokens_of(groups: list[TaskBatch[dict[str, Tensor]]]) -> int:
    micros = [micro for group in groups for half in group.halves for micro in half]
    return sum(int(micro.data["completion_mask"].sum()) for micro in micros)


@pytest.mark.parametrize("most", [1, 9, 10_000])
def test_rollouts_in_parts_are_one_batch(tmp_path, monkeypatch, most):
    """Parts are whole groups, at least one; order, rewards and lengths are those of the prompts."""
    trainer = trainer_for(tmp_path, {"rollout_batch": most})
    calls: list[int] = []
    sample = Sampler.sample
    monkeypatch.setattr(Sampler, "sample", lambda *given: (calls.append(4 * len(given[1])), sample(*given))[1])
    prompts = trainer.draw()
    batch, rollouts = trainer.roll_out(prompts)
    assert sum(calls) == 24
    assert max(calls) == {1: 4, 9: 8, 10_000: 16}[most], "two of the three tasks have prompts of about one length"
    tokenizer = trainer.processing_class
    assert tokenizer.batch_decode(batch["prompt_ids"], skip_special_tokens=True) == [
        row.prompt for _, row, _ in prompts for _ in range(4)
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
    assert tokens_of(groups) == int(rollouts.lengths[rollouts.advantages != 0].sum())
    assert int(rollouts.lengths.sum()) == trainer.ledger.sampled_tokens
    trainer.model.train()
    trainer.balanced_step.accumulate(groups, trainer.loss_of)


def test_parts_sample_what_the_whole_would_have(tmp_path):
    """Noise belongs to the prompt, so that memory decides how many are sampled together, and nothing else does."""
    whole, _ = trainer_for(tmp_path).roll_out(trainer_for(tmp_path).draw())
    trainer = trainer_for(tmp_path, {"rollout_batch": 1})
    same, _ = trainer.roll_out(trainer.draw())
    assert same["completion_ids"].equal(whole["completion_ids"])


class Seen(TrainerCallback):
    """Keeps the gradient of a step, and how often a layer has run in training for it."""

    def __init__(self, trainer: SuiteGRPOTrainer) -> None:
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
    assert 0 < seen[0].calls <= 6, "at most two halves of three tasks: those that have an advantage"
    assert seen[1].calls == 2 * seen[0].calls, "a second time on the way back"
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


def test_adapters_are_merged_while_replies_are_sampled_and_not_after(tmp_path, monkeypatch):
    from peft.tuners.tuners_utils import BaseTunerLayer

    trainer = trainer_for(tmp_path, lora=Lora(r=2))
    layers = [module for module in trainer.model.modules() if isinstance(module, BaseTunerLayer)]
    seen, sample = [], Sampler.sample

    def watched(sampler: Sampler, *args):
        seen.append({layer.merged for layer in layers})
        return sample(sampler, *args)

    monkeypatch.setattr(Sampler, "sample", watched)
    trainer.roll_out(trainer.draw())
    assert seen
    assert all(merged == {True} for merged in seen)
    assert not any(layer.merged for layer in layers)


def test_completions_without_an_advantage_are_counted_and_not_computed():
    """They were sampled and are paid for; but what they add to loss and gradient is 0, so that no pass is made."""
    nothing, groups = torch.zeros(4), torch.tensor([0, 0, 1, 1])
    found = Rollouts(torch.zeros(4, dtype=torch.long), groups, nothing, nothing, torch.ones(4), torch.ones(4))
    there = torch.ones(4, 1, dtype=torch.long)
    batch = {"prompt_ids": there, "prompt_mask": there, "completion_ids": 2 * there, "completion_mask": there}
    (silent,) = grouped(batch, found, nothing, 100)
    assert (silent.sequences, silent.tokens, silent.first_share, silent.computed) == (4, 4, 0.5, 0)
    assert silent.halves == ([], [])
    (heard,) = grouped(batch, found, torch.tensor([0.0, 0.0, 1.0, -1.0]), 100)
    first, (micro,) = heard.halves
    assert first == []
    assert (micro.share, heard.first_share, heard.computed) == (0.5, 0.5, 2 * 2)


@pytest.mark.parametrize("packing", ["shared", "padded"])
def test_leaving_them_out_changes_no_gradient(tmp_path, packing):
    """A step in which some groups are silent, with and without the passes of their completions."""
    trainer = trainer_for(tmp_path, {"packing": packing})
    batch, found = trainer.roll_out(trainer.draw())
    advantages = torch.where(found.group % 2 == 0, 0.0, torch.sin(torch.arange(len(found.group)).float()))
    step, rows = trainer.balanced_step, []
    for shown in (advantages, advantages + 1e-30 * (advantages == 0)):  # not 0: nothing is left out
        groups = grouped(batch, found, shown, 100, prefixes=trainer.prefixes)
        losses = step.accumulate(groups, trainer.loss_of)
        rows.append((step.gradients.rows.clone(), losses, sum(group.computed for group in groups)))
    (few, few_losses, few_tokens), (all_, all_losses, all_tokens) = rows
    assert few_tokens < 0.7 * all_tokens
    torch.testing.assert_close(few, all_, atol=1e-6, rtol=1e-4)
    torch.testing.assert_close(few_losses, all_losses, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize("lora", [Lora(), Lora(r=2)], ids=["full", "lora"])
def test_trls_loss_has_the_same_gradients_of_shared_and_of_padded_prompts(tmp_path, lora):
    """Through TRL's clipped surrogate, halves, micro-batches and the buffer; relative difference at most 1e-5."""
    gradients = {}
    for packing in ("shared", "padded"):
        trainer = trainer_for(tmp_path, {"packing": packing}, lora=lora)
        assert trainer.prefixes.said == packing
        batch, found = trainer.roll_out(trainer.draw())
        advantages = torch.sin(1 + torch.arange(len(found.group)).float())
        groups = grouped(batch, found, advantages, 5, prefixes=trainer.prefixes)
        trainer.balanced_step.accumulate(groups, trainer.loss_of)
        gradients[packing] = trainer.balanced_step.gradients.rows.clone()
    far = (gradients["shared"] - gradients["padded"]).norm() / gradients["padded"].norm()
    assert far.item() < 1e-5


def test_methods_of_one_seed_meet_the_same_noise_all_along(tmp_path):
    """A task's n-th prompt has the same completions, in whatever step and beside whatever else it is asked."""
    trainer = trainer_for(tmp_path)
    prompts = [prompt for _ in range(2) for prompt in trainer.draw()]
    later = [prompt for prompt in prompts if prompt.task == 1][2:]
    together, all_of = trainer.roll_out(prompts)
    alone, _ = trainer.roll_out(later)
    kept = torch.tensor([prompts[group] in later for group in all_of.group.tolist()])
    width = alone["completion_mask"].shape[1]
    assert (
        together["completion_ids"][kept][:, :width]
        .masked_select(alone["completion_mask"].bool())
        .equal(alone["completion_ids"].masked_select(alone["completion_mask"].bool()))
    )
