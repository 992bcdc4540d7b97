"""The TRL trainer: its step against TRL's own, the order of rollouts, and the private names it relies on."""

import inspect
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOTrainer

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.request.suite import ASSETS, Recipe, Suite, load_suite
from bench.training.rollouts import grouped, measure, padded, reweighted
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from methods import Method, Rollouts, RunInfo, SampleWeighting
from methods.uniform import Uniform
from tasks._registry import get_task

TASKS = ("arithmetic", "column_addition", "lookup")
RECIPE = Recipe(
    steps=2, prompts_per_task=4, rollouts_per_prompt=4, learning_rate=1e-3, max_reply_tokens=12, train_rows=64
)


@pytest.fixture
def model() -> Qwen2ForCausalLM:
    torch.set_num_threads(1)
    torch.manual_seed(0)
    return Qwen2ForCausalLM.from_pretrained(ASSETS / "nano", dtype=torch.float32)


def suite_of(recipe: Recipe) -> Suite:
    return load_suite("smoke-v1").model_copy(update={"recipe": recipe})


def trainer_for(
    model: Qwen2ForCausalLM,
    folder: Path,
    method: Method | None = None,
    recipe: Recipe = RECIPE,
    extra_passes: bool = False,
) -> SuiteGRPOTrainer:
    tasks = [get_task(name) for name in TASKS]
    rows = [task.rows("train", recipe.train_rows) for task in tasks]
    sequences = len(tasks) * recipe.prompts_per_task * recipe.rollouts_per_prompt
    tokenizer = PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano")
    config = grpo_config(suite_of(recipe), recipe.steps, 0, sequences, folder, extra_passes)
    streams = [PromptStream(task_rows, 0) for task_rows in rows]
    trainer = SuiteGRPOTrainer(model, tokenizer, config, tasks, streams, recipe)
    chosen = (method or Uniform()).start(RunInfo(len(tasks), torch.ones(len(tasks)), recipe.steps))
    gradients = TaskGradients(*trained(model), len(tasks))
    trainer.arm(BalancedStep(gradients, chosen, recipe.max_gradient_norm, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    return trainer


def plain_gradient(trainer: SuiteGRPOTrainer, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    """What TRL's own step leaves in `.grad` on the joint batch: its loss, one backward, its clip."""
    model = trainer.model
    for parameter in model.parameters():
        parameter.grad = None
    GRPOTrainer._compute_loss(trainer, model, batch).backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), RECIPE.max_gradient_norm)
    return torch.cat([parameter.grad.flatten() for parameter in trained(model)[0]])


def balanced_gradient(trainer: SuiteGRPOTrainer, batch: dict[str, torch.Tensor], rollouts: Rollouts) -> torch.Tensor:
    groups = grouped(batch, rollouts, rollouts.advantages, trainer.recipe.micro_batch)
    measured = measure(rollouts, rollouts.advantages, len(TASKS))
    trainer.balanced_step(groups, lambda micro: trainer.compute_loss(trainer.model, micro), measured)
    return torch.cat([parameter.grad.flatten() for parameter in trained(trainer.model)[0]])


@pytest.mark.parametrize("micro", [1024, 3])
def test_uniform_equals_trls_own_step_on_the_same_batch(model, tmp_path, micro):
    """Same clipped gradient to float32 rounding, whether or not gradients are accumulated."""
    recipe = RECIPE.model_copy(update={"micro_batch": micro})
    trainer = trainer_for(model, tmp_path, recipe=recipe)
    model.train()
    batch, rollouts = trainer.roll_out(trainer.draw())
    assert rollouts.advantages.abs().sum() > 0, "the batch must have something to learn"
    plain = plain_gradient(trainer, batch)
    balanced = balanced_gradient(trainer, batch, rollouts)
    assert (balanced - plain).norm() <= 3e-6 * plain.norm()


def test_uniform_gives_the_same_parameters_as_trls_own_step(model, tmp_path):
    """SGD keeps rounding as rounding (AdamW turns the sign of a zero into a full step); steps are equal to 1e-6."""
    trainer = trainer_for(model, tmp_path)
    model.train()
    batch, rollouts = trainer.roll_out(trainer.draw())
    start = [parameter.detach().clone() for parameter in trained(model)[0]]
    moved = []
    for gradient in (plain_gradient(trainer, batch), balanced_gradient(trainer, batch, rollouts)):
        with torch.no_grad():
            for parameter, value in zip(trained(model)[0], start, strict=True):
                parameter.copy_(value)
        views = gradient.split([parameter.numel() for parameter in trained(model)[0]])
        for parameter, view in zip(trained(model)[0], views, strict=True):
            parameter.grad = view.view(parameter.shape).clone()
        torch.optim.SGD(trained(model)[0], lr=0.1).step()
        moved.append(torch.cat([parameter.detach().flatten().clone() for parameter in trained(model)[0]]))
    torch.testing.assert_close(moved[0], moved[1], rtol=1e-6, atol=1e-7)


def test_rollouts_stay_in_the_order_of_their_prompts(model, tmp_path):
    """TRL shuffles generation batches in `_prepare_inputs`; the balanced step does not go through it."""
    trainer = trainer_for(model, tmp_path)
    prompts = trainer.draw()
    batch, rollouts = trainer.roll_out(prompts)
    tokenizer = trainer.processing_class
    texts = tokenizer.batch_decode(batch["prompt_ids"], skip_special_tokens=True)
    assert texts == [row.prompt for _, row, _ in prompts for _ in range(RECIPE.rollouts_per_prompt)]
    replies = tokenizer.batch_decode(batch["completion_ids"], skip_special_tokens=True)
    verdicts = [
        trainer.tasks[task].verify(reply, prompts[group][1])
        for reply, task, group in zip(replies, rollouts.task.tolist(), rollouts.group.tolist(), strict=True)
    ]
    assert verdicts == rollouts.rewards.tolist()


def test_advantages_are_normalised_by_group(model, tmp_path):
    trainer = trainer_for(model, tmp_path)
    _, rollouts = trainer.roll_out(trainer.draw())
    for group in rollouts.group.unique():
        rewards = rollouts.rewards[rollouts.group == group]
        wanted = (rewards - rewards.mean()) / (rewards.std() + 1e-4)
        torch.testing.assert_close(rollouts.advantages[rollouts.group == group], wanted, atol=1e-5, rtol=1e-4)


def test_each_micro_batch_is_padded_only_to_its_own_longest(model, tmp_path):
    trainer = trainer_for(model, tmp_path)
    batch, rollouts = trainer.roll_out(trainer.draw())
    for task_batch in grouped(batch, rollouts, rollouts.advantages, RECIPE.micro_batch):
        for half in task_batch.halves:
            for micro in half:
                assert micro.data["completion_mask"].sum(dim=1).max() == micro.data["completion_ids"].shape[1]
                assert micro.data["prompt_mask"].sum(dim=1).max() == micro.data["prompt_ids"].shape[1]
                assert micro.data["prompt_mask"][:, -1].all(), "prompts are padded on the left"


def test_halves_are_split_by_prompt_group(model, tmp_path):
    """Completions of one prompt share a baseline: in different halves they would not be independent."""
    trainer = trainer_for(model, tmp_path)
    batch, rollouts = trainer.roll_out(trainer.draw())
    tagged = {**batch, "completion_ids": rollouts.group[:, None].expand_as(batch["completion_ids"])}
    heard = torch.ones_like(rollouts.advantages)  # completions without an advantage would be left out
    for task_batch in grouped(tagged, rollouts, heard, RECIPE.micro_batch):
        first, second = (
            {group for micro in half for group in micro.data["completion_ids"].flatten().tolist()}
            for half in task_batch.halves
        )
        assert len(first) == len(second) == 2
        assert not first & second


class TokenMean(SampleWeighting):
    """Every token of a task counts the same: 1 / mean length."""

    name, version = "token_mean_for_this_test", 1

    def token_weights(self, rollouts: Rollouts) -> torch.Tensor:
        return torch.full_like(rollouts.advantages, 1 / rollouts.lengths.double().mean().item())


def test_token_weights_fold_into_the_advantages(model, tmp_path):
    """The folded loss is the explicit weighted token sum of the clipped surrogate (ratio 1 on policy)."""
    trainer = trainer_for(model, tmp_path, TokenMean())
    model.train()
    batch, rollouts = trainer.roll_out(trainer.draw())
    folded = reweighted(rollouts, trainer.method, 0)
    everything = padded(batch, folded, torch.arange(len(folded)))
    weights = TokenMean().token_weights(rollouts)
    explicit = -(rollouts.advantages * weights * rollouts.lengths).mean()
    assert trainer.compute_loss(model, everything).item() == pytest.approx(explicit.item(), rel=1e-4, abs=1e-6)


def test_training_takes_the_recipes_steps_and_moves_the_model(model, tmp_path):
    before = torch.cat([parameter.detach().flatten().clone() for parameter in model.parameters()])
    trainer = trainer_for(model, tmp_path)
    trainer.train()
    after = torch.cat([parameter.detach().flatten() for parameter in model.parameters()])
    spent = trainer.ledger.snapshot()
    assert (spent.steps, spent.prompts, spent.rollouts, spent.reward_calls) == (2, 24, 96, 96)
    assert spent.trained_tokens == spent.sampled_tokens > 96
    assert 0 < (after - before).abs().max() < 0.1


def test_extra_passes_keep_the_probabilities_of_the_policy_that_sampled(model, tmp_path):
    """Without them TRL would take the moved policy for the sampling one, and its loss would not see the move."""
    trainer = trainer_for(model, tmp_path, extra_passes=True)
    batch, rollouts = trainer.roll_out(trainer.draw())
    assert trainer.ledger.forward_passes == len(rollouts.task), "their forward pass is charged"
    (first, *_), *_ = grouped(batch, rollouts, rollouts.advantages, RECIPE.micro_batch)[0].halves
    here = trainer.compute_loss(model, first.data).item()
    assert here == pytest.approx(-first.data["advantages"].mean().item(), abs=1e-5)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(0.9)
    assert abs(trainer.compute_loss(model, first.data).item() - here) > 1e-3


def test_gradient_checkpointing_is_off(tmp_path):
    config = grpo_config(suite_of(RECIPE), 2, 0, 48, tmp_path)
    assert not config.gradient_checkpointing
    assert not config.activation_checkpointing
    assert not config.bf16


def test_lora_trains_only_the_adapter(model, tmp_path):
    """The buffer has the adapter's size; the frozen weights have no gradient."""
    peft = pytest.importorskip("peft")
    adapted = peft.get_peft_model(model, peft.LoraConfig(r=4, target_modules=["q_proj", "v_proj"]))
    trainer = trainer_for(adapted, tmp_path)
    trainer.train()
    _, names = trained(adapted)
    assert trainer.balanced_step.gradients.layout.names == tuple(names)
    assert all("lora" in name for name in names)
    assert sum(trainer.balanced_step.gradients.layout.sizes) < 0.05 * model.num_parameters()


def test_bf16_weights_keep_a_float64_gramian(tmp_path):
    tokenizer = PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano")
    config = Qwen2Config(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2,
        num_key_value_heads=2, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    torch.manual_seed(0)
    trainer = trainer_for(Qwen2ForCausalLM(config).to(torch.bfloat16), tmp_path)
    batch, rollouts = trainer.roll_out(trainer.draw())
    # A random model earns nothing: give it something to learn from.
    noise = torch.randn(rollouts.advantages.shape, generator=torch.Generator().manual_seed(0))
    balanced_gradient(
        trainer,
        batch,
        Rollouts(**{**{f: getattr(rollouts, f) for f in rollouts.__slots__}, "advantages": noise}),
    )
    gradients = trainer.balanced_step.gradients
    assert gradients.buffer.dtype == torch.bfloat16
    rows = gradients.rows.double()
    torch.testing.assert_close(gradients.gramian(), rows @ rows.T, rtol=1e-5, atol=1e-9)


def test_private_names_of_trl_are_as_expected():
    """A new trl must be read again before the pin is moved; these are what bench/training/trl/grpo.py touches."""
    assert version("trl") == "1.16.0"
    assert list(inspect.signature(GRPOTrainer._generate_and_score_completions).parameters) == [
        "self",
        "inputs",
    ]
    source = inspect.getsource(GRPOTrainer.__init__)
    assert "self._metrics = " in source
    assert "self._logs = " in source
