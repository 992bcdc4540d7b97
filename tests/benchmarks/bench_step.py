"""What the balanced step costs beside TRL's plain step on the same batch, rollouts left out of both.

Plain: one forward and backward pass over the joint batch, padded jointly, and TRL's clip. Balanced: the same
tokens in two halves a task, each padded by itself, with the Gramian, the method and the clip. The two alternate,
so that both meet the same machine; the ratio is of medians.
"""

import statistics
import time
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedTokenizerFast
from trl import GRPOTrainer

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.models.base import load_model
from bench.request.suite import ASSETS, load_suite
from bench.training.rollouts import grouped, measure
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import BalancedGRPOTrainer, grpo_config
from methods import RunInfo
from methods._registry import load
from tasks._registry import get_task

ROUNDS = 15


def trainer_for(tasks: int, method: str, folder: Path) -> BalancedGRPOTrainer:
    torch.set_num_threads(1)
    suite = load_suite("nano-v1")
    recipe = suite.recipe
    chosen = [get_task(suite.tasks[place % len(suite.tasks)]) for place in range(tasks)]
    model, _ = load_model(suite)
    sequences = tasks * recipe.prompts_per_task * recipe.rollouts_per_prompt
    config = grpo_config(suite, recipe.steps, 0, sequences, folder)
    streams = [PromptStream(task.rows("train", 200), 0) for task in chosen]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano")
    trainer = BalancedGRPOTrainer(model, tokenizer, config, chosen, streams, recipe)
    balancer = load(method)().start(RunInfo(tasks, torch.ones(tasks), recipe.steps))
    gradients = TaskGradients(*trained(model), tasks)
    trainer.arm(BalancedStep(gradients, balancer, recipe.max_gradient_norm, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    return trainer


@pytest.mark.parametrize("method", ["uniform", "pcgrad", "upgrad"])
@pytest.mark.parametrize("tasks", [4, 8])
def test_step(benchmark, tmp_path, tasks, method):
    trainer = trainer_for(tasks, method, tmp_path)
    batch, rollouts = trainer.roll_out(trainer.draw())
    plain_seconds = []

    def plain() -> None:
        trainer.model.zero_grad()
        began = time.perf_counter()
        GRPOTrainer._compute_loss(trainer, trainer.model, batch).backward()
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)
        plain_seconds.append(time.perf_counter() - began)

    def balanced() -> None:
        groups = grouped(batch, rollouts, rollouts.advantages, trainer.recipe.micro_batch)
        measured = measure(rollouts, rollouts.advantages, tasks)
        trainer.balanced_step(groups, lambda micro: trainer.compute_loss(trainer.model, micro), measured)

    benchmark.pedantic(balanced, setup=plain, rounds=ROUNDS, warmup_rounds=2)
    ratio = benchmark.stats.stats.median / statistics.median(plain_seconds)
    benchmark.extra_info["over plain"] = ratio
    print(f"\nK={tasks} {method}: balanced {1e3 * benchmark.stats.stats.median:.0f} ms, ", end="")
    print(f"plain {1e3 * statistics.median(plain_seconds):.0f} ms, ratio {ratio:.3f}")
