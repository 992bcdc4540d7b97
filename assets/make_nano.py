"""Make the nano base model: a tokenizer, clean phases, then a noisy phase.

The clean phases teach every task. The noisy phase shows plausible wrong replies with a fixed share per
task, so that the model samples right answers with probability 0.2 to 0.4 although it knows them: without
it, RL has nothing to find. Run with `make nano`; the result is committed under assets/nano with digests.
"""

import argparse
import hashlib
import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn.functional import cross_entropy
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from tasks import Row, Task
from tasks._registry import get_task

WARM_UP = 100
TRAIN_ROWS = 20_000
"""Rows drawn per task (fewer where a task has fewer); all are training rows, none is held out."""
VOCABULARY = 160
PAD, END = "<pad>", "<end>"


@dataclass(frozen=True)
class Phase:
    """One stretch of training: examples of each task a step, share of wrong replies a task, AdamW's rate."""

    name: str
    steps: int
    rate: float
    examples: dict[str, int]
    wrong: dict[str, float]
    decay: bool = True


FIRST = {"arithmetic": 16, "column_addition": 16, "execution": 16, "induction": 16}
ALL = {**FIRST, "lookup": 24, "relation": 24}
LATE = {"arithmetic": 12, "column_addition": 4, "execution": 12, "induction": 12, "lookup": 24, "relation": 48}
"""Looking things up is learned late and at once; arithmetic needs the longest."""
SURE = {"arithmetic": 24, "column_addition": 6, "execution": 32, "induction": 32, "lookup": 12, "relation": 0}
EVEN = {"arithmetic": 20, "column_addition": 12, "execution": 20, "induction": 20, "lookup": 16, "relation": 0}
WRONG = {"arithmetic": 0.6, "column_addition": 0.62, "execution": 0.6, "induction": 0.5, "lookup": 0.6}
"""RL can take away what the noisy phase added, hardly teach what the clean model does not know."""
PHASES = (
    Phase("first", 5000, 1e-3, FIRST, {}, decay=False),
    Phase("all", 800, 1e-3, ALL, {}),
    Phase("late", 500, 1e-3, LATE, {}),
    Phase("sure", 450, 1e-3, SURE, {}),
    Phase("noisy", 250, 4e-4, EVEN, WRONG),
)


def make_tokenizer(texts: list[str]) -> PreTrainedTokenizerFast:
    """A BPE tokenizer: one token a digit or sign, words split as often as they repeat."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex(r"[a-z]+|[^a-z]"), behavior="isolated")
    tokenizer.decoder = decoders.Fuse()
    alphabet = [chr(code) for code in range(32, 127)]
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=[PAD, END], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token=PAD, eos_token=END, clean_up_tokenization_spaces=False
    )


def make_model(tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """A fresh Qwen2 of about a million parameters for that vocabulary."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=128,
        intermediate_size=512,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=256,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return Qwen2ForCausalLM(config)


def batches(rows: Mapping[Task, tuple[Row, ...]], phase: Phase, rng: random.Random) -> Iterator[list[tuple[str, str]]]:
    """Endless batches of (prompt, reply) for a phase; its share of wrong replies are slips."""
    while True:
        batch = []
        for task, pool in rows.items():
            for row in rng.choices(pool, k=phase.examples.get(task.name, 0)):
                slip = rng.random() < phase.wrong.get(task.name, 0.0)
                batch.append((row.prompt, task.slip(row, rng) if slip else row.answer))
        yield batch


def reply_loss(
    model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, batch: list[tuple[str, str]]
) -> torch.Tensor:
    """Mean cross-entropy of the reply tokens, end of text included; prompts are not trained on."""
    prompts = [tokenizer.encode(prompt) for prompt, _ in batch]
    replies = [[*tokenizer.encode(reply), tokenizer.eos_token_id] for _, reply in batch]
    width = max(len(p) + len(r) for p, r in zip(prompts, replies, strict=True))

    ids = torch.full((len(batch), width), tokenizer.pad_token_id)
    labels = torch.full((len(batch), width), -100)
    for i, (prompt, reply) in enumerate(zip(prompts, replies, strict=True)):
        ids[i, : len(prompt) + len(reply)] = torch.tensor(prompt + reply)
        labels[i, len(prompt) : len(prompt) + len(reply)] = torch.tensor(reply)

    mask = torch.arange(width) < torch.tensor([[len(p) + len(r)] for p, r in zip(prompts, replies, strict=True)])
    logits = model(input_ids=ids, attention_mask=mask.long()).logits
    return cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=-100)


def train(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    phase: Phase,
    feed: Iterator[list[tuple[str, str]]],
) -> None:
    """AdamW with a short warm-up; a phase that decays lowers its rate linearly to 0, others at the very end."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=phase.rate, weight_decay=0.01)
    model.train()

    for step in range(phase.steps):
        left = (phase.steps - step) / phase.steps
        scale = left if phase.decay else min(1.0, 3 * left)
        optimizer.param_groups[0]["lr"] = phase.rate * min(1.0, (step + 1) / WARM_UP) * scale

        loss = reply_loss(model, tokenizer, next(feed))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

        if step % 100 == 0:
            print(f"{phase.name} {step:5d}/{phase.steps}  loss {loss.item():.4f}", flush=True)  # noqa: T201


@torch.no_grad()
def accuracy(
    model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, task: Task, *, sample: bool, count: int = 400
) -> float:
    """Mean reward of the model's replies to held-out rows, sampled at temperature 1 or greedy."""
    model.eval()
    rows = task.rows("heldout", count)
    inputs = tokenizer([row.prompt for row in rows], return_tensors="pt", padding=True, padding_side="left")

    out = model.generate(
        input_ids=inputs["input_ids"],
        attention_mask=inputs["attention_mask"],
        do_sample=sample,
        temperature=1.0,
        top_k=0,
        top_p=1.0,
        max_new_tokens=40,
    )

    replies = tokenizer.batch_decode(out[:, inputs["input_ids"].shape[1] :], skip_special_tokens=True)
    return sum(task.verify(reply, row) for reply, row in zip(replies, rows, strict=True)) / count


def save(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Write config, weights, tokenizer and DIGESTS.json (SHA-256 of every file)."""
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    files = sorted(p for p in folder.iterdir() if p.suffix in (".json", ".safetensors"))
    digests = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files if p.name != "DIGESTS.json"}
    (folder / "DIGESTS.json").write_text(json.dumps(digests, indent=1) + "\n")


def report(model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, phase: str, count: int = 400) -> None:
    """Print greedy and sampled held-out accuracy of every task."""
    for name in ALL:
        task = get_task(name)
        greedy = accuracy(model, tokenizer, task, sample=False, count=count)
        sampled = accuracy(model, tokenizer, task, sample=True, count=count)
        print(f"{phase:6} {name:16} greedy {greedy:.3f}  sampled {sampled:.3f}", flush=True)  # noqa: T201


def main() -> None:
    """Make the model; every default is the one that made the committed files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "nano")
    parser.add_argument("--steps", type=int, help="steps of every phase, to try the script")
    parser.add_argument("--rows", type=int, default=TRAIN_ROWS)
    parser.add_argument("--items", type=int, default=400, help="held-out items a task in the reports")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="folder to keep the model of each phase in")
    parser.add_argument("--after", choices=[phase.name for phase in PHASES], help="go on after a kept phase")
    options = parser.parse_args()

    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    rng = random.Random(0)  # noqa: S311 - not a secret

    rows = {task: tuple(islice(task.stream("train"), options.rows)) for task in map(get_task, ALL)}
    names = [phase.name for phase in PHASES]

    if options.after:
        tokenizer = PreTrainedTokenizerFast.from_pretrained(options.keep / options.after)
        model = Qwen2ForCausalLM.from_pretrained(options.keep / options.after)
    else:
        tokenizer = make_tokenizer([row.prompt + row.answer for pool in rows.values() for row in pool])
        model = make_model(tokenizer)

    for phase in PHASES[names.index(options.after) + 1 if options.after else 0 :]:
        phase = replace(phase, steps=options.steps or phase.steps)
        train(model, tokenizer, phase, batches(rows, phase, rng))
        report(model, tokenizer, phase.name, options.items)
        if options.keep:
            save(model, tokenizer, options.keep / phase.name)
    save(model, tokenizer, options.out)


if __name__ == "__main__":
    main()
