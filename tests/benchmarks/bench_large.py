"""The balanced step at half a billion parameters beside TRL's plain step: milliseconds and peak memory.

It is meant for an accelerator: a Qwen2 of 0.49 billion random weights, three tasks, prompts of about 100 tokens, 128
completions of up to 128 tokens, computed in bfloat16; trained whole, and by adapters of rank 16. Without an accelerator
the same code measures a small model, which shows that it runs and little else. Contenders take turns; figures are
medians.
"""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM
from trl import GRPOTrainer

from bench.engine.gradients import TaskGradients
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.sampling import PromptStream
from bench.models.trainable import in_bfloat16, with_adapters
from bench.request.suite import ASSETS, Lora, load_suite
from bench.training.prefixes import Prefixes
from bench.training.rollouts import grouped, measure
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import BalancedGRPOTrainer, grpo_config
from methods import RunInfo
from methods._registry import load
from tasks._registry import get_task
from tests.benchmarks.bench_step import Long

CUDA = torch.cuda.is_available()
DEVICE = torch.device("cuda" if CUDA else "cpu")
ROUNDS = 5 if CUDA else 1
TASKS, PROMPTS, COPIES, TOKENS = (4, 4, 8, 128) if CUDA else (3, 2, 4, 16)
MICRO = 16
"""Sequences of one forward pass: 151,936 logits a position fill the memory fast."""


def large() -> Qwen2ForCausalLM:
    """The shape of Qwen2.5-0.5B with random weights; a small one without an accelerator."""
    size = (
        {"hidden_size": 896, "intermediate_size": 4864, "num_hidden_layers": 24, "num_attention_heads": 14}
        if CUDA
        else {"hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4}
    )
    config = Qwen2Config(
        vocab_size=151_936 if CUDA else 512,
        num_key_value_heads=2,
        max_position_embeddings=2048,
        tie_word_embeddings=True,
        **size,
    )
    torch.manual_seed(0)
    return Qwen2ForCausalLM(config)


def trainer_for(method: str, rank: int, folder: Path) -> BalancedGRPOTrainer:
    torch.set_num_threads(1)
    suite = load_suite("nano-v1")
    recipe = suite.recipe.model_copy(
        update={"prompts_per_task": PROMPTS, "rollouts_per_prompt": COPIES, "max_reply_tokens": TOKENS,
                "micro_batch": MICRO}
    )  # fmt: skip
    suite = suite.model_copy(update={"recipe": recipe})
    tokenizer = Long.from_pretrained(ASSETS / "nano")
    model: Any = large()
    if rank:
        model = with_adapters(model, Lora(r=rank), 0)
    model = in_bfloat16(model).to(DEVICE)

    tasks = [get_task(suite.tasks[place % len(suite.tasks)]) for place in range(TASKS)]
    config = grpo_config(suite, recipe.steps, 0, TASKS * PROMPTS * COPIES, folder)
    streams = [PromptStream(task.rows("train", 200), 0) for task in tasks]
    prefixes = Prefixes(model, "auto", tokenizer.pad_token_id, coarse=True)
    trainer = BalancedGRPOTrainer(model, tokenizer, config, tasks, streams, recipe, 0, prefixes)
    balancer = load(method)().start(RunInfo(TASKS, torch.ones(TASKS), recipe.steps))
    gradients = TaskGradients(*trained(model), TASKS)
    trainer.arm(BalancedStep(gradients, balancer, recipe.max_gradient_norm, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    return trainer


def timed(action: Callable[[], Any]) -> tuple[float, float]:
    """Seconds, and GiB at the peak."""
    if CUDA:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    began = time.perf_counter()
    action()
    if CUDA:
        torch.cuda.synchronize()
    return time.perf_counter() - began, torch.cuda.max_memory_allocated() / 2**30 if CUDA else float("nan")


def in_turns(contenders: dict[str, Callable[[], Any]]) -> dict[str, tuple[float, float]]:
    """Median seconds and the peak of each, which take turns; the first round is not counted."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in contenders}
    for _ in range(ROUNDS + 1):
        for name, action in contenders.items():
            found[name].append(timed(action))
    return {
        name: (statistics.median(seconds for seconds, _ in rounds[1:]), max(peak for _, peak in rounds[1:]))
        for name, rounds in found.items()
    }


@pytest.mark.parametrize("rank", [0, 16], ids=["whole", "adapters of rank 16"])
@pytest.mark.parametrize("method", ["uniform", "pcgrad"])
def test_large_step(tmp_path, method, rank):
    trainer = trainer_for(method, rank, tmp_path)
    batch, rollouts = trainer.roll_out(trainer.draw())
    # random weights earn no reward; advantages that are not 0 leave no completion out
    advantages = torch.sin(1 + torch.arange(len(rollouts.task), device=DEVICE).float())
    batch["advantages"] = advantages
    buffer = trainer.balanced_step.gradients.buffer

    def plain() -> None:
        """TRL's loss over micro-batches of as many sequences as ours, accumulated, and its clip."""
        trainer.model.zero_grad()
        for start in range(0, len(advantages), MICRO):
            part = {name: values[start : start + MICRO] for name, values in batch.items()}
            loss = GRPOTrainer._compute_loss(trainer, trainer.model, part)
            (loss * MICRO / len(advantages)).backward()
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)

    def balanced(prefixes: Prefixes | None) -> None:
        groups = grouped(batch, rollouts, advantages, trainer.recipe.micro_batch, prefixes=prefixes)
        trainer.balanced_step(groups, trainer.loss_of, measure(rollouts, advantages, TASKS))

    found = in_turns({"plain": plain, "padded": lambda: balanced(None), "shared": lambda: balanced(trainer.prefixes)})
    print(f"\n{'0.5B' if CUDA else 'small'}, rank {rank or 'none'}, {method}, K={TASKS}, ", end="")
    print(f"{len(advantages)} completions, {trainer.prefixes.said}, buffer {buffer.nbytes / 2**30:.2f} GiB: ", end="")
    print(", ".join(f"{name} {1e3 * seconds:.0f} ms ({peak:.1f} GiB)" for name, (seconds, peak) in found.items()))
    print(f"  over plain: padded {found['padded'][0] / found['plain'][0]:.3f}, ", end="")
    print(f"shared {found['shared'][0] / found['plain'][0]:.3f}")


def test_large_sampler(tmp_path):
    trainer = trainer_for("uniform", 0, tmp_path)
    trainer.wanted = trainer.draw()
    seconds, peak = in_turns({"ours": trainer._replies})["ours"]
    print(
        f"\nsampler: {1e3 * seconds:.0f} ms for {TASKS * PROMPTS * COPIES} replies of {TOKENS} tokens ({peak:.1f} GiB)"
    )
