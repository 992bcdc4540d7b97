"""The balanced step and the sampler beside TRL's own, on the same prompts, in turns within one process.

Step: TRL's plain step is one forward and backward pass over the joint batch, padded jointly, and TRL's clip; the
balanced one has two halves a task, the Gramian, the method and the clip, with padded and with shared prompts.
Sampler: transformers' `generate` over repeated rows beside ours. What is counted is the process's own time, so that
other work on the machine changes ratios little; each figure is a median.
"""

import statistics
import time
from collections.abc import Callable
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
from bench.models.base import load_model
from bench.models.prompts import encoded
from bench.models.sampler import padded_left
from bench.request.suite import ASSETS, load_suite
from bench.training.prefixes import Prefixes
from bench.training.rollouts import grouped, measure
from bench.training.step import BalancedStep
from bench.training.trl.common import trained
from bench.training.trl.grpo import SuiteGRPOTrainer, grpo_config
from methods import RunInfo
from methods._registry import load
from tasks._registry import get_task

ROUNDS = 5
LONG = "the quick brown fox jumps over the lazy dog " * 2
"""Put before each prompt of the model with long prompts: about 100 tokens of nano's tokenizer."""


class Long(PreTrainedTokenizerFast):
    """Reads a long text before every prompt."""

    def __call__(self, text: Any, **options: Any) -> Any:
        return super().__call__(LONG + text if isinstance(text, str) else text, **options)


def trainer_for(tasks: int, method: str, folder: Path, long: bool = False) -> SuiteGRPOTrainer:
    """A trainer of nano, or of a Qwen2 of 1.5 million parameters with random weights and long prompts."""
    torch.set_num_threads(1)
    suite = load_suite("nano-v1")
    recipe = suite.recipe
    chosen = [get_task(suite.tasks[place % len(suite.tasks)]) for place in range(tasks)]
    tokenizer = (Long if long else PreTrainedTokenizerFast).from_pretrained(ASSETS / "nano")
    model = larger(len(tokenizer)) if long else load_model(suite)[0]

    sequences = tasks * recipe.prompts_per_task * recipe.rollouts_per_prompt
    config = grpo_config(suite, recipe.steps, 0, sequences, folder)
    streams = [PromptStream(task.rows("train", 200), 0) for task in chosen]
    prefixes = Prefixes(model, "auto", tokenizer.pad_token_id)
    trainer = SuiteGRPOTrainer(model, tokenizer, config, chosen, streams, recipe, 0, prefixes)

    balancer = load(method)().start(RunInfo(tasks, torch.ones(tasks), recipe.steps))
    gradients = TaskGradients(*trained(model), tasks)
    trainer.arm(BalancedStep(gradients, balancer, recipe.max_gradient_norm, RunningLedger(), Probe()))
    trainer.current_gradient_accumulation_steps = 1
    model.train()
    return trainer


def larger(vocabulary: int) -> Qwen2ForCausalLM:
    config = Qwen2Config(
        vocab_size=vocabulary, hidden_size=160, intermediate_size=432, num_hidden_layers=5, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=512, tie_word_embeddings=True,
    )  # fmt: skip
    torch.manual_seed(0)
    return Qwen2ForCausalLM(config)


def in_turns(contenders: dict[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of the process's own time of each, which take turns; the first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(ROUNDS + 1):
        for name, action in contenders.items():
            began = time.process_time()
            action()
            seconds[name].append(time.process_time() - began)
    return {name: statistics.median(found[1:]) for name, found in seconds.items()}


@pytest.mark.parametrize("long", [False, True], ids=["nano", "long prompts"])
@pytest.mark.parametrize("tasks", [4, 8])
@pytest.mark.parametrize("method", ["uniform", "pcgrad"])
def test_step(tmp_path, tasks, method, long):
    trainer = trainer_for(tasks, method, tmp_path, long)
    batch, rollouts = trainer.roll_out(trainer.draw())
    # random weights earn no reward; advantages that are not 0 leave no completion out
    advantages = rollouts.advantages if not long else torch.sin(1 + torch.arange(len(rollouts.task)).float())
    batch["advantages"] = advantages

    def plain() -> None:
        trainer.model.zero_grad()
        GRPOTrainer._compute_loss(trainer, trainer.model, batch).backward()
        torch.nn.utils.clip_grad_norm_(trainer.model.parameters(), 1.0)

    def balanced(prefixes: Prefixes | None) -> None:
        groups = grouped(batch, rollouts, advantages, trainer.recipe.micro_batch, prefixes=prefixes)
        trainer.balanced_step(groups, trainer.loss_of, measure(rollouts, advantages, tasks))

    found = in_turns({"plain": plain, "padded": lambda: balanced(None), "shared": lambda: balanced(trainer.prefixes)})
    print(f"\nK={tasks} {method}, {'100-token prompts' if long else 'nano'}: TRL's plain step ", end="")
    print(f"{1e3 * found['plain']:.0f} ms", end="")
    for name in ("padded", "shared"):
        print(f", balanced {name} {found[name] / found['plain']:.3f} of it", end="")
    print(f", shared over padded {found['shared'] / found['padded']:.3f}")


@pytest.mark.parametrize("tasks", [5])
def test_sampler(tmp_path, tasks):
    trainer = trainer_for(tasks, "uniform", tmp_path)
    recipe, tokenizer = trainer.recipe, trainer.processing_class
    trainer.wanted = trainer.draw()
    prompts = [encoded(tokenizer, prompt.row.prompt) for prompt in trainer.wanted]
    rows = [prompt for prompt in prompts for _ in range(recipe.rollouts_per_prompt)]
    ids, mask = padded_left(rows, tokenizer.pad_token_id, torch.device("cpu"))
    trainer.model.eval()

    def generate() -> None:
        trainer.model.generate(
            input_ids=ids,
            attention_mask=mask,
            do_sample=True,
            temperature=recipe.temperature,
            top_k=0,
            top_p=1.0,
            max_new_tokens=recipe.max_reply_tokens,
            eos_token_id=trainer.ends,
            pad_token_id=tokenizer.pad_token_id,
        )

    found = in_turns({"generate": generate, "ours": trainer._replies})
    print(f"\nnano, K={tasks}, {len(rows)} completions: generate {1e3 * found['generate']:.0f} ms, ", end="")
    print(f"ours {1e3 * found['ours']:.0f} ms, {found['ours'] / found['generate']:.3f} of it")
