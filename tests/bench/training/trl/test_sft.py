"""The SFT trainer: its step against TRL's own, its estimates, and its ledger."""

import inspect
from importlib.metadata import version
from pathlib import Path

import pytest
import torch
from transformers import TrainerCallback
from trl import SFTTrainer

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import Prompt, PromptStream
from bench.models.base import load_model
from bench.request.suite import Lora, Recipe, load_suite
from bench.training.demonstrations import collated
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.sft import SuiteSFTTrainer, sft_config
from methods import Method, RunInfo
from methods.uniform import Uniform
from tasks._registry import get_task

TASKS = ("arithmetic", "column_addition", "lookup")
RECIPE = Recipe(steps=2, prompts_per_task=4, learning_rate=1e-3, max_reply_tokens=12, train_rows=64)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


def trainer_for(
    folder: Path,
    tasks: tuple[str, ...] = TASKS,
    method: Method | None = None,
    recipe: dict[str, object] | None = None,
    **changes: object,
) -> SuiteSFTTrainer:
    given = RECIPE.model_copy(update=recipe or {})
    suite = load_suite("smoke-v1").model_copy(update={"regime": "sft", "recipe": given, **changes})
    model, tokenizer = load_model(suite)
    chosen = [get_task(name) for name in tasks]
    rows = [task.rows("train", given.train_rows) for task in chosen]
    streams = [PromptStream(task_rows[:48], 0) for task_rows in rows]
    kept = [PromptStream(task_rows[48:], 0) for task_rows in rows]
    config = sft_config(suite, given.steps, 0, len(tasks) * given.prompts_per_task, folder)
    trainer = SuiteSFTTrainer(model, tokenizer, config, chosen, streams, kept, given)
    started = (method or Uniform()).start(RunInfo(len(tasks), torch.ones(len(tasks)), given.steps))
    gradients = TaskGradients(*trained(model), len(tasks))
    trainer.arm(BalancedStep(gradients, started, given.max_gradient_norm, RunningLedger(), Probe()))
    model.train()
    return trainer


def flat(trainer: SuiteSFTTrainer) -> torch.Tensor:
    """The gradient that the optimizer will see."""
    return torch.cat([parameter.grad.flatten().clone() for parameter in trained(trainer.model)[0]])


def plain(trainer: SuiteSFTTrainer, shown: list, clip: bool = True) -> torch.Tensor:
    """What TRL's own step leaves in `.grad` on the joint batch: its loss, one backward, its clip."""
    for parameter in trainer.model.parameters():
        parameter.grad = None
    batch = collated(shown, trainer.processing_class.pad_token_id, trainer.accelerator.device)
    SFTTrainer.compute_loss(trainer, trainer.model, batch).backward()
    if clip:
        torch.nn.utils.clip_grad_norm_(trained(trainer.model)[0], RECIPE.max_gradient_norm)
    return flat(trainer)


def balanced(trainer: SuiteSFTTrainer, prompts: list) -> torch.Tensor:
    trainer.balanced_step(*(trainer.collect(prompts)[0], trainer.loss_of, trainer.collect(prompts)[1]))
    return flat(trainer)


@pytest.mark.parametrize("micro", [1024, 1])
@pytest.mark.parametrize("lora", [Lora(), Lora(r=2)], ids=["full", "lora"])
def test_with_one_task_uniform_equals_trls_own_step(tmp_path, micro, lora):
    """Same clipped gradient to float32 rounding, whether or not gradients are accumulated."""
    trainer = trainer_for(tmp_path, ("lookup",), recipe={"micro_batch": micro, "max_gradient_norm": 0.3}, lora=lora)
    if lora.r:  # adapters begin at zero, with half of their gradients
        for parameter in trained(trainer.model)[0]:
            parameter.data.add_(0.01)
    prompts = trainer.draw()
    wanted = plain(trainer, trainer._shown(prompts), clip=False)
    wanted *= min(1, 0.3 / wanted.double().norm().item())
    found = balanced(trainer, prompts)
    assert (found - wanted).norm() <= 3e-6 * wanted.norm()


def test_the_update_is_the_share_weighted_mean_of_the_tasks_token_means(tmp_path):
    trainer = trainer_for(tmp_path, recipe={"max_gradient_norm": None})
    prompts = trainer.draw()[1:]  # 3, 4 and 4 prompts: shares are those of the prompts, not of the tokens
    shown = trainer._shown(prompts)
    counts = [sum(one.task == task for one in shown) for task in range(3)]
    assert counts == [3, 4, 4]
    means = [plain(trainer, [one for one in shown if one.task == task], clip=False) for task in range(3)]
    wanted = sum(count / 11 * mean for count, mean in zip(counts, means, strict=True))
    found = balanced(trainer, prompts)
    assert (found - wanted).norm() <= 3e-6 * wanted.norm()
    gramian = torch.stack(means).double() @ torch.stack(means).double().T
    torch.testing.assert_close(trainer.balanced_step.signals.gramian.matrix, gramian, rtol=1e-5, atol=1e-9)


@pytest.mark.parametrize("micro", [1024, 1])
def test_the_halves_estimate_the_squared_norm(tmp_path, micro):
    """<mean gradient of the first two prompts, that of the last two>, up to the weight of their tokens."""
    trainer = trainer_for(tmp_path, ("lookup",), recipe={"micro_batch": micro})
    prompts = trainer.draw()
    shown = trainer._shown(prompts)
    first, second = (plain(trainer, part, clip=False).double() for part in (shown[:2], shown[2:]))
    balanced(trainer, prompts)
    estimate = trainer.balanced_step.signals.cross_gramian[0, 0].item()
    assert estimate == pytest.approx((first @ second).item(), rel=1e-5)


def test_the_ledger_counts_passes_and_tokens_and_no_rollouts(tmp_path):
    trainer = trainer_for(tmp_path)
    trainer.train()
    spent = trainer.ledger.snapshot()
    assert (spent.steps, spent.prompts) == (2, 24)
    assert (spent.rollouts, spent.sampled_tokens, spent.reward_calls) == (0, 0, 0)
    assert (spent.forward_passes, spent.backward_passes) == (24, 24)
    replayed = trainer_for(tmp_path)
    answers = [len(one.reply) for _ in range(2) for one in replayed._shown(replayed.draw())]
    assert spent.trained_tokens == sum(answers)


def test_replies_are_cut_and_what_is_cut_has_no_end(tmp_path):
    trainer = trainer_for(tmp_path, ("lookup",), recipe={"max_reply_tokens": 2})
    end = trainer.processing_class.eos_token_id
    whole = trainer_for(tmp_path, ("lookup",))
    for cut, full in zip(trainer._shown(trainer.draw()), whole._shown(whole.draw()), strict=True):
        assert cut.reply == full.reply[:2]
        assert full.reply[-1] == end
        assert full.reply.count(end) == 1


class Validating(Uniform):
    """Uniform, that looks at the validation loss."""

    name, version, needs = "validating_for_this_test", 1, frozenset({"validation_loss"})


def test_validation_is_on_kept_rows_and_charged(tmp_path):
    """4 prompts a task and step more, forward only; the losses are those of the model before the step."""
    trainer = trainer_for(tmp_path, method=Validating())
    kept = [row for stream in trainer.validation for row in stream.rows]
    assert not {row.prompt for row in kept} & {row.prompt for stream in trainer.streams for row in stream.rows}
    before = trainer.ledger.snapshot()
    groups, measured = trainer.collect(trainer.draw())
    after = trainer.ledger.snapshot()
    assert (after.prompts - before.prompts, after.forward_passes - before.forward_passes) == (12, 12)
    assert (after.backward_passes, after.steps) == (0, 0)
    again = trainer_for(tmp_path, method=Validating())
    rows = [Prompt(task, row, n) for task, stream in enumerate(again.validation) for n, row in stream.take(4)]
    for task in range(3):
        shown = [one for one in again._shown(rows) if one.task == task]
        batch = collated(shown, again.processing_class.pad_token_id, again.accelerator.device)
        wanted = SFTTrainer.compute_loss(again, again.model, batch).item()
        assert measured.validation_losses[task].item() == pytest.approx(wanted, rel=1e-5)
    trainer.balanced_step(groups, trainer.loss_of, measured)
    assert trainer.balanced_step.signals.validation_losses is measured.validation_losses


def test_no_validation_is_made_for_methods_that_do_not_ask(tmp_path):
    trainer = trainer_for(tmp_path)
    _, measured = trainer.collect(trainer.draw())
    assert measured.validation_losses is None
    assert trainer.ledger.snapshot().forward_passes == 0


def test_the_score_of_a_model_is_the_typical_probability_of_an_answer_token(tmp_path):
    trainer = trainer_for(tmp_path)
    prompts = trainer.draw()
    score = trainer.score(prompts)
    torch.testing.assert_close(score, (-trainer.losses(prompts)).exp())
    assert ((score > 0) & (score < 1)).all()
    assert trainer.ledger.snapshot().backward_passes == 0


class Seen(TrainerCallback):
    """Keeps the gradient of the first step, and how often a layer has run until then."""

    def __init__(self, trainer: SuiteSFTTrainer) -> None:
        self.trainer, self.calls = trainer, 0
        layer = next(module for name, module in trainer.model.named_modules() if name.endswith("layers.0.mlp"))
        layer.register_forward_pre_hook(self.count)  # the second run stops before its end

    def count(self, *_: object) -> None:
        self.calls += 1

    def on_pre_optimizer_step(self, *_: object, **__: object) -> None:
        self.gradient = flat(self.trainer)


@pytest.mark.parametrize("lora", [Lora(), Lora(r=2)], ids=["full", "lora"])
def test_gradient_checkpointing_changes_memory_and_not_the_gradient(tmp_path, lora):
    """Off, a layer runs once in each of two halves; on, a second time on the way back."""
    seen = []
    for on in (False, True):
        trainer = trainer_for(tmp_path, ("lookup",), recipe={"steps": 1}, gradient_checkpointing=on, lora=lora)
        if lora.r:
            for parameter in trained(trainer.model)[0]:
                parameter.data.add_(0.01)
        seen.append(Seen(trainer))
        trainer.add_callback(seen[-1])
        trainer.train()
    assert [one.calls for one in seen] == [2, 4]
    assert (seen[0].gradient - seen[1].gradient).norm() <= 1e-6 * seen[0].gradient.norm()


@pytest.mark.parametrize("lora", [Lora(), Lora(r=2)], ids=["full", "lora"])
def test_bf16_holds_in_the_loss_whichever_trainer_comes_first(tmp_path, lora):
    """A plan makes several trainers of one model; each puts another forward in place."""
    trainer = trainer_for(tmp_path, ("lookup",), dtype="bf16", lora=lora)
    found: set[torch.dtype] = set()
    layer = next(module for name, module in trainer.model.named_modules() if name.endswith("layers.0.mlp"))
    layer.register_forward_hook(lambda *call: found.add(call[2].dtype))
    given = (trainer.processing_class, trainer.args, trainer.tasks, trainer.streams, trainer.validation, RECIPE)
    second = SuiteSFTTrainer(trainer.model, *given)
    for one in (trainer, second):
        found.clear()
        batch = collated(one._shown([Prompt(0, one.streams[0].rows[0], 0)]), 0, one.accelerator.device)
        loss = one.loss_of(batch)
        assert found == {torch.bfloat16}
        assert loss.dtype == torch.float32
    exact = trainer_for(tmp_path, ("lookup",), lora=lora)
    assert loss.item() == pytest.approx(exact.loss_of(batch).item(), rel=0.02)
    assert {row.dtype for row in trainer.balanced_step.gradients.rows} == {torch.float32}


def test_private_names_of_trl_are_as_this_file_was_written_for():
    """A newer trl must be read before it is used: shapes and meanings below are what the step relies on."""
    assert version("trl") == "1.16.0"
    source = inspect.getsource(SFTTrainer.compute_loss)
    assert list(inspect.signature(SFTTrainer.compute_loss).parameters)[:3] == ["self", "model", "inputs"]
    assert "outputs.label_mask.sum() if num_items_in_batch is None" in source, "the mean over answer tokens"
    assert "self._metrics[mode]" in source
    assert "gather_for_metrics" in source
    assert ".reduce(" not in source
    assert "skip_prepare_dataset" in inspect.getsource(SFTTrainer.__init__)
