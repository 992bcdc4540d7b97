"""What a balanced step costs beside plain TRL's at the size of a real model: time, tokens a second, memory.

A Qwen2 with random weights and one batch of random tokens, as many in every sequence, rollouts left out of both. On an
accelerator it has half a billion parameters; elsewhere a few million, which shows that the benchmark works and no more.
Plain: TRL's loss over the joint batch in micro-batches of the same size, one gradient. Balanced: the same sequences in
two halves a task, K gradients, Gramian, PCGrad, clip. The two alternate; ratios are of medians.
"""

import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
from trl import GRPOTrainer

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.models.trainable import in_bfloat16, with_adapters
from bench.request.suite import ASSETS, Suite, load_suite
from bench.training.batches import MicroBatch, TaskBatch
from bench.training.rollouts import grouped, measure
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from methods import Rollouts, RunInfo
from methods._registry import load
from tasks._registry import get_task

ACCELERATED = torch.cuda.is_available()
ROUNDS = 10 if ACCELERATED else 3
TASKS = ("arithmetic", "column_addition", "execution", "induction")
LARGE = {
    "vocab_size": 151936, "hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24,
    "num_attention_heads": 14, "num_key_value_heads": 2, "max_position_embeddings": 32768,
}  # fmt: skip
"""Qwen2.5-0.5B, from its published configuration."""
LITTLE = {**LARGE, "vocab_size": 4096, "hidden_size": 128, "intermediate_size": 512, "num_hidden_layers": 4,
          "num_attention_heads": 4}  # fmt: skip
PROMPT, REPLY = (256, 384) if ACCELERATED else (32, 32)


def suite_of(rank: int) -> Suite:
    """small-v1's recipe; smaller groups where there is no accelerator."""
    small = load_suite("small-v1")
    sizes = {} if ACCELERATED else {"prompts_per_task": 2, "rollouts_per_prompt": 2, "max_reply_tokens": REPLY}
    recipe = small.recipe.model_copy(update={"micro_batch": 8, "steps": 2, **sizes})
    return small.model_copy(update={"recipe": recipe, "lora": small.lora.model_copy(update={"r": rank})})


def trainer_of(suite: Suite, folder: Path) -> SuiteGRPOTrainer:
    """A trainer of a random model; the tokenizer and the tasks only fill their places."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    stored = torch.bfloat16 if suite.lora.r else torch.float32
    model: Any = Qwen2ForCausalLM(Qwen2Config(**(LARGE if ACCELERATED else LITTLE), tie_word_embeddings=True)).to(
        stored
    )
    if suite.lora.r:
        model = with_adapters(model, suite.lora, 0)
    model = in_bfloat16(model.to("cuda" if ACCELERATED else "cpu"))
    recipe, tasks = suite.recipe, [get_task(name) for name in TASKS]
    sequences = len(tasks) * recipe.prompts_per_task * recipe.rollouts_per_prompt
    streams = [PromptStream(task.rows("train", 64), 0) for task in tasks]
    tokenizer = PreTrainedTokenizerFast.from_pretrained(ASSETS / "nano")
    config = grpo_config(suite, recipe.steps, 0, sequences, folder)
    trainer = SuiteGRPOTrainer(model, tokenizer, config, tasks, streams, recipe)
    balancer = load("pcgrad")().start(RunInfo(len(tasks), torch.ones(len(tasks)), recipe.steps))
    gradients = TaskGradients(*trained(model), len(tasks))
    trainer.arm(BalancedStep(gradients, balancer, recipe.max_gradient_norm, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    return trainer


def batch_of(trainer: SuiteGRPOTrainer) -> tuple[dict[str, torch.Tensor], Rollouts]:
    """A step's rollouts as TRL pads them, of random tokens, advantages and rewards."""
    recipe, device = trainer.recipe, trainer.accelerator.device
    groups = len(TASKS) * recipe.prompts_per_task
    count = groups * recipe.rollouts_per_prompt
    vocabulary = trainer.model.config.vocab_size
    advantages = torch.randn(count, device=device)
    batch = {
        "prompt_ids": torch.randint(0, vocabulary, (count, PROMPT), device=device),
        "prompt_mask": torch.ones(count, PROMPT, dtype=torch.long, device=device),
        "completion_ids": torch.randint(0, vocabulary, (count, REPLY), device=device),
        "completion_mask": torch.ones(count, REPLY, dtype=torch.long, device=device),
        "advantages": advantages,
    }
    group = torch.arange(groups, device=device).repeat_interleave(recipe.rollouts_per_prompt)
    lengths = torch.full((count,), REPLY, device=device)
    rollouts = Rollouts(
        task=group // recipe.prompts_per_task,
        group=group,
        rewards=torch.ones(count, device=device),
        advantages=advantages,
        lengths=lengths,
        prompt_lengths=torch.full_like(lengths, PROMPT),
    )
    return batch, rollouts


def pieces(groups: list[TaskBatch[Any]]) -> Iterator[MicroBatch[Any]]:
    """All micro-batches of a step."""
    return (micro for group in groups for half in group.halves for micro in half)


def timed(action: Callable[[], None]) -> tuple[float, float]:
    """Seconds, and GiB at its peak on the accelerator (0 elsewhere)."""
    if ACCELERATED:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    action()
    if ACCELERATED:
        torch.cuda.synchronize()
    return time.perf_counter() - began, torch.cuda.max_memory_allocated() / 2**30 if ACCELERATED else 0.0


@pytest.mark.parametrize("rank", [0, 32], ids=["full", "lora"])
def test_real(benchmark: Any, tmp_path: Path, rank: int) -> None:
    trainer = trainer_of(suite_of(rank), tmp_path)
    batch, rollouts = batch_of(trainer)
    groups = grouped(batch, rollouts, rollouts.advantages, trainer.recipe.micro_batch)
    measured = measure(rollouts, rollouts.advantages, len(TASKS))
    parameters = trainer.balanced_step.gradients.parameters

    def plain() -> None:
        for parameter in parameters:
            parameter.grad = None  # a gradient of its own, as a plain trainer has
        for micro in pieces(groups):
            (GRPOTrainer._compute_loss(trainer, trainer.model, micro.data) * micro.share).backward()
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)

    def balanced() -> None:
        trainer.balanced_step(groups, lambda micro: trainer.compute_loss(trainer.model, micro), measured)

    costs = [(timed(plain), timed(balanced)) for _ in range(ROUNDS + 1)][1:]
    tokens = rollouts.lengths.numel() * (PROMPT + REPLY)
    seconds = [statistics.median(cost[place][0] for cost in costs) for place in (0, 1)]
    memory = [max(cost[place][1] for cost in costs) for place in (0, 1)]
    buffer = trainer.balanced_step.gradients.buffer
    memory[0] -= buffer.numel() * buffer.element_size() / 2**30  # it is there, and a plain trainer has none
    benchmark.extra_info["over plain"] = seconds[1] / seconds[0]
    benchmark.pedantic(balanced, rounds=1)
    size = sum(parameter.numel() for parameter in trainer.model.parameters())
    print(f"\n{size:,} parameters, rank {rank}, {tokens:,} tokens a step:")
    for name, second, gib in zip(("plain", "balanced"), seconds, memory, strict=True):
        held = f"{gib:.2f} GiB" if ACCELERATED else "memory not measured"
        print(f"  {name}: {second:.3f} s, {tokens / second:,.0f} tokens/s, {held}")
    print(f"  ratio {seconds[1] / seconds[0]:.3f}")
