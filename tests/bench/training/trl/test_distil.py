"""Distillation with a real model: what teachers say of a token, the loss it makes, and whose completions are used."""

from pathlib import Path

import pytest
import torch
from torch import Generator, Tensor
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.request.suite import ASSETS, Recipe, load_suite
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.distil import DistillingTrainer, Teaching, joined_batches
from bench.training.trl.grpo import grpo_config
from methods import RunInfo
from methods.uniform import Uniform
from tasks._registry import get_task

TASKS = ("arithmetic", "lookup")
RECIPE = Recipe(
    steps=2, prompts_per_task=2, rollouts_per_prompt=4, learning_rate=1e-3, max_reply_tokens=8, train_rows=16
)


@pytest.fixture
def trainer(tmp_path: Path) -> DistillingTrainer:
    """A student of one small layer, with no teachers yet."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    config = Qwen2Config.from_pretrained(ASSETS / "nano", num_hidden_layers=1)
    model = Qwen2ForCausalLM(config)
    tasks = [get_task(name) for name in TASKS]
    suite = load_suite("smoke-v1").model_copy(update={"recipe": RECIPE})
    sequences = len(tasks) * RECIPE.prompts_per_task * RECIPE.rollouts_per_prompt
    made = DistillingTrainer(
        model,
        PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano"),
        grpo_config(suite, 2, 0, sequences, tmp_path),
        tasks,
        [PromptStream(task.rows("train", 16), 0) for task in tasks],
        RECIPE,
    )
    method = Uniform().start(RunInfo(len(tasks), torch.ones(len(tasks)), 2))
    gradients = TaskGradients(*trained(model), len(tasks))
    made.arm(BalancedStep(gradients, method, 1.0, RunningLedger(), Probe()))
    made.current_gradient_accumulation_steps = 1
    return made


def teachers_of(trainer: DistillingTrainer, size: float) -> Tensor:
    """Teachers at random distances of that size from the student, [K, P]."""
    student = trainer.balanced_step.gradients.parameters_now()
    noise = torch.randn(len(TASKS), len(student), generator=Generator().manual_seed(1))
    return student + size * noise


def test_a_teacher_that_is_the_student_has_nothing_to_say(trainer: DistillingTrainer) -> None:
    trainer.teaching = Teaching(teachers_of(trainer, 0.0), own=True)
    batch, rollouts = trainer.roll_out(trainer.draw())
    assert not trainer.told_apart(batch, rollouts).any()


def test_each_task_has_its_teacher_and_the_student_comes_back(trainer: DistillingTrainer) -> None:
    engine = trainer.balanced_step.gradients
    student, print_before = engine.parameters_now(), engine.seal.fingerprint()
    models = teachers_of(trainer, 0.05)
    trainer.teaching = Teaching(models, own=True)
    batch, rollouts = trainer.roll_out(trainer.draw())
    found = trainer.told_apart(batch, rollouts)

    assert engine.seal.fingerprint() == print_before
    own = trainer.log_probabilities(batch)
    for task, model in enumerate(models):
        engine.set_parameters(model)
        rows = rollouts.task == task
        expected = (trainer.log_probabilities(batch) - own)[rows] * batch["completion_mask"][rows]
        torch.testing.assert_close(found[rows], expected, rtol=0, atol=1e-4)
        assert expected.any()
    engine.set_parameters(student)


def test_teaching_is_paid_for(trainer: DistillingTrainer) -> None:
    """Two forward passes over every completion, and no way back."""
    trainer.teaching = Teaching(teachers_of(trainer, 0.05), own=True)
    trainer.collect(trainer.draw())
    assert trainer.ledger.rollouts == 16
    assert trainer.ledger.forward_passes == 2 * 16
    assert trainer.ledger.backward_passes == 0


def test_the_step_is_that_of_the_reverse_divergence(trainer: DistillingTrainer) -> None:
    """The loss's gradient is that of -(log p_k - log p) log p at the sampled tokens, a mean of means."""
    trainer.teaching = Teaching(teachers_of(trainer, 0.05), own=True)
    groups, _ = trainer.collect(trainer.draw())
    micro = groups[0].halves[0][0].data
    parameters = trained(trainer.model)[0]
    found = torch.autograd.grad(trainer.loss_of(micro), parameters)

    tokens = torch.cat([micro["prompt_ids"], micro["completion_ids"]], dim=1)
    mask = torch.cat([micro["prompt_mask"], micro["completion_mask"]], dim=1)
    width = micro["completion_ids"].shape[1]
    logs = trainer._get_per_token_logps_and_entropies(trainer.model, tokens, mask, width)[0]
    there = micro["completion_mask"]
    loss = -((micro["token_advantages"] * logs * there).sum(dim=1) / there.sum(dim=1)).mean()
    expected = torch.autograd.grad(loss, parameters)
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_teachers_answer_the_prompts_of_their_tasks(trainer: DistillingTrainer) -> None:
    """Whoever samples has the parameters of the task's teacher; rewards weigh what was sampled."""
    models = teachers_of(trainer, 0.05)
    engine = trainer.balanced_step.gradients
    student = engine.parameters_now()
    trainer.teaching = Teaching(models, own=False)
    seen: list[tuple[set[int], bool]] = []
    plain = trainer.roll_out

    def watched(prompts):
        asked = {prompt[0] for prompt in prompts}
        (task,) = asked
        seen.append((asked, torch.equal(engine.parameters_now(), models[task])))
        return plain(prompts)

    trainer.roll_out = watched
    groups, measured = trainer.collect(trainer.draw())
    assert seen == [({0}, True), ({1}, True)]
    assert torch.equal(engine.parameters_now(), student)
    assert [group.task for group in groups] == [0, 1]
    torch.testing.assert_close(measured.mean_abs_advantage, measured.rewards)
    assert trainer.ledger.forward_passes == 0


def test_batches_of_other_widths_are_joined_on_their_own_sides() -> None:
    """Prompts are padded on the left, completions on the right."""

    def batch(prompt: list[int], reply: list[int]) -> dict[str, Tensor]:
        values = {"prompt_ids": prompt, "completion_ids": reply}
        masks = {"prompt_mask": [1] * len(prompt), "completion_mask": [1] * len(reply)}
        return {name: torch.tensor([row]) for name, row in {**values, **masks}.items()}

    found = joined_batches([batch([5], [6, 7]), batch([8, 9], [4])], padding=3)
    assert found["prompt_ids"].tolist() == [[3, 5], [8, 9]]
    assert found["prompt_mask"].tolist() == [[0, 1], [1, 1]]
    assert found["completion_ids"].tolist() == [[6, 7], [4, 3]]
    assert found["completion_mask"].tolist() == [[1, 1], [1, 0]]
