"""Make the base model nano2 in one run: a tokenizer, clean phases, the last one cooling, then a noisy phase.

The clean phases teach twelve tasks. The noisy phase shows plausible wrong replies with a fixed share per task, so
that the model samples right answers with probability 0.15 to 0.6 although it knows them: without it, RL has nothing
to find. `reversal` stays nearly solved. Run with `make nano2`; one thread needs about half an hour.
"""

import argparse
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from assets.make_nano import accuracy, make_model, make_tokenizer, save
from tasks import Row, Task
from tasks._registry import get_task

WARM_UP = 100
TRAIN_ROWS = 25_000
CHUNKS = 4
"""Parts of a batch, by length, each padded to its own longest sequence."""


@dataclass(frozen=True)
class Phase:
    """One stretch of training: examples of each task a step, share of wrong replies a task, the peak rate."""

    name: str
    steps: int
    rate: float
    examples: dict[str, int]
    wrong: dict[str, float]
    falling: bool = True
    """Whether the rate falls linearly to 0."""


EXAMPLES = {
    "addition": 14,
    "column_addition": 4,
    "induction": 14,
    "lookup": 8,
    "oldest": 10,
    "owner": 8,
    "reassignment": 12,
    "relation": 10,
    "reversal": 3,
    "running_sum": 5,
    "selection": 8,
    "sorting": 5,
}
WRONG = {
    "addition": 0.7,
    "column_addition": 0.6,
    "induction": 0.5,
    "lookup": 0.5,
    "oldest": 0.65,
    "owner": 0.65,
    "reassignment": 0.4,
    "relation": 0.6,
    "reversal": 0.03,
    "running_sum": 0.7,
    "selection": 0.55,
    "sorting": 0.55,
}
PHASES = (
    Phase("first", 1000, 3e-3, EXAMPLES, {}, falling=False),
    Phase("second", 1400, 3e-3, EXAMPLES, {}, falling=False),
    Phase("cold", 1400, 3e-3, EXAMPLES, {}),
    Phase("noisy", 250, 8e-4, EXAMPLES, WRONG),
)

Example = tuple[list[int], list[int]]
"""Tokens of a prompt and of a reply, end of text included."""


def batches(
    rows: Mapping[Task, tuple[Row, ...]], tokenizer: PreTrainedTokenizerFast, phase: Phase, rng: random.Random
) -> Iterator[list[Example]]:
    """Endless batches for a phase, shortest sequence first; its share of wrong replies are slips."""
    while True:
        batch = []
        for task, pool in rows.items():
            for row in rng.choices(pool, k=phase.examples[task.name]):
                slip = rng.random() < phase.wrong.get(task.name, 0.0)
                reply = task.slip(row, rng) if slip else row.answer
                batch.append((tokenizer.encode(row.prompt), [*tokenizer.encode(reply), tokenizer.eos_token_id]))
        yield sorted(batch, key=lambda example: len(example[0]) + len(example[1]))


def reply_loss(model: Qwen2ForCausalLM, batch: Sequence[Example]) -> torch.Tensor:
    """Summed cross-entropy of the reply tokens. Padding is on the right, so causal attention never sees it."""
    width = max(len(prompt) + len(reply) for prompt, reply in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    labels = torch.full((len(batch), width), -100)
    for i, (prompt, reply) in enumerate(batch):
        ids[i, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        labels[i, len(prompt) - 1 : len(prompt) + len(reply) - 1] = torch.tensor(reply)

    with torch.autocast("cpu", dtype=torch.bfloat16):
        hidden = model.model(input_ids=ids, use_cache=False).last_hidden_state
        logits = model.lm_head(hidden[labels >= 0])
    return cross_entropy(logits.float(), labels[labels >= 0], reduction="sum")


def optimizers(model: Qwen2ForCausalLM) -> list[torch.optim.Optimizer]:
    """Muon for the matrices inside the layers, AdamW for embedding, biases and norms."""
    inside = [p for p in model.model.layers.parameters() if p.ndim == 2]
    known = {id(p) for p in inside}
    others = [p for p in model.parameters() if id(p) not in known]
    muon = torch.optim.Muon(inside, lr=1.0, weight_decay=0.01, adjust_lr_fn="match_rms_adamw")
    return [muon, torch.optim.AdamW(others, lr=1.0, weight_decay=0.0)]


def train(model: Qwen2ForCausalLM, phase: Phase, feed: Iterator[list[Example]]) -> None:
    """A warm-up, then a constant rate or a linear fall to 0."""
    model.set_attn_implementation("eager")  # for sequences this short, the fused kernels take twice the time
    both = optimizers(model)
    model.train()

    for step in range(phase.steps):
        fall = 1 - step / phase.steps if phase.falling else 1.0
        for group in (group for optimizer in both for group in optimizer.param_groups):
            group["lr"] = phase.rate * min(1.0, (step + 1) / WARM_UP, fall)

        batch = next(feed)
        tokens = sum(len(reply) for _, reply in batch)
        size = -(-len(batch) // CHUNKS)
        total = 0.0
        for start in range(0, len(batch), size):
            loss = reply_loss(model, batch[start : start + size]) / tokens
            loss.backward()  # type: ignore[no-untyped-call]
            total += loss.item()

        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for optimizer in both:
            optimizer.step()
            optimizer.zero_grad()
        if step % 100 == 0:
            print(f"{phase.name} {step:5d}/{phase.steps}  loss {total:.4f}", flush=True)  # noqa: T201


def report(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, phase: str, count: int) -> None:
    """Print greedy and sampled held-out accuracy of every task."""
    for name in EXAMPLES:
        task = get_task(name)
        greedy = accuracy(model, tokenizer, task, sample=False, count=count)
        sampled = accuracy(model, tokenizer, task, sample=True, count=count)
        print(f"{phase:6} {name:16} greedy {greedy:.3f}  sampled {sampled:.3f}", flush=True)  # noqa: T201


def main() -> None:
    """Make the model; every default is the one that made the committed files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "nano2")
    parser.add_argument("--steps", type=int, help="steps of every phase, to try the script")
    parser.add_argument("--rows", type=int, default=TRAIN_ROWS)
    parser.add_argument("--items", type=int, default=400, help="held-out items a task in the reports")
    parser.add_argument("--keep", type=Path, help="folder to keep the model of each phase in")
    parser.add_argument("--after", choices=[phase.name for phase in PHASES], help="go on after a kept phase")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(0)

    rows = {task: tuple(islice(task.stream("train"), options.rows)) for task in map(get_task, EXAMPLES)}
    names = [phase.name for phase in PHASES]
    if options.after:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(options.keep / options.after)
        model = Qwen2ForCausalLM.from_pretrained(options.keep / options.after, dtype=torch.float32)
    else:
        tokenizer = make_tokenizer([row.prompt + row.answer for pool in rows.values() for row in pool])
        model = make_model(tokenizer)

    for phase in PHASES[names.index(options.after) + 1 if options.after else 0 :]:
        phase = replace(phase, steps=options.steps or phase.steps)
        rng = random.Random(phase.name)  # noqa: S311 - not a secret
        train(model, phase, batches(rows, tokenizer, phase, rng))
        report(model, tokenizer, phase.name, options.items)
        if options.keep:
            save(model, tokenizer, options.keep / phase.name)
    save(model, tokenizer, options.out)


if __name__ == "__main__":
    main()
