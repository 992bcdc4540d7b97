"""Make the base model smol: an adapter of smollm2 that knows how replies look, and is unsure of what they say.

The format phase shows right replies. The noisy phase shows plausible wrong replies with a share per task, in rounds:
after each, the share moves until the model samples right answers with a probability between 0.15 and 0.6. Without it
tasks are solved from the start, and RL has nothing to find. Run with `make smol`; a GPU needs about two minutes, and a
processor core some hours.
"""

import argparse
import hashlib
import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from bench.models.adapted import BEFORE, CONFIGURATION, TEMPLATE, WEIGHTS
from bench.models.base import load_model
from bench.models.noise import key_of
from bench.models.prompts import demonstration, encoded, ends
from bench.models.sampler import Sampler, alike
from bench.request.pinned import DIGESTS
from bench.request.suite import Lora
from tasks import Row, Task
from tasks._registry import get_task

HERE = Path(__file__).parent / "smol"
RANK = 12
WARM_UP = 10
MOST_WRONG = 0.75
PADDING = 0
TASKS = (
    "category_count",
    "expression",
    "letter_count",
    "list_edit",
    "ordering",
    "passage_lookup",
    "program_output",
    "tallest",
    "word_problem",
)

Rows = Mapping[Task, tuple[Row, ...]]
Example = tuple[list[int], list[int]]
"""Tokens of a prompt and of a reply, the end of the turn included."""
State = dict[str, Tensor]


@dataclass(frozen=True)
class Base:
    """How the model is loaded: frozen weights in bfloat16, the adapter in float32."""

    model: str = "smollm2"
    revision: str | None = None
    dtype: str = "bf16"
    lora: Lora = field(default_factory=lambda: Lora(r=RANK))
    rollout: str = "transformers"


@dataclass(frozen=True)
class Noisy:
    """The noisy phase: steps of a round, peak rate, rounds, and the pass rate that is aimed at."""

    steps: int = 40
    rate: float = 4e-4
    rounds: int = 4
    target: float = 0.3

    @classmethod
    def read(cls, text: str) -> "Noisy":
        """Read STEPS:RATE:ROUNDS:TARGET."""
        steps, rate, rounds, target = text.split(":")
        return cls(int(steps), float(rate), int(rounds), float(target))


@dataclass(frozen=True)
class Rates:
    """How a task is answered: greedily, sampled, share of items with right and wrong samples, tokens of a sample."""

    greedy: float
    sampled: float
    mixed: float
    tokens: float


class Maker:
    """The model in the making. examples: of each task a step; items, copies: held-out rows, and samples of each."""

    def __init__(self, names: Sequence[str], examples: int, rows: int, items: int, copies: int) -> None:
        self.tasks = [get_task(name) for name in names]
        self.rows = {task: task.rows("train", rows) for task in self.tasks}
        self.held = {task: task.rows("heldout", items) for task in self.tasks}
        self.examples = examples
        self.copies = copies

        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        model, tokenizer = load_model(Base(), seed=0)
        tokenizer.chat_template = (HERE / TEMPLATE).read_text(encoding="utf-8")
        self.model: PreTrainedModel = model.to(self.device)
        self.tokenizer: PreTrainedTokenizerBase = tokenizer
        self.began = time.monotonic()

    def state(self) -> State:
        """The adapter's matrices, by peft's names, in bfloat16."""
        named = {name: values for name, values in self.model.named_parameters() if values.requires_grad}
        return {name.replace(".default", ""): values.detach().bfloat16().cpu() for name, values in named.items()}

    def restore(self, state: State) -> None:
        """Go back to an adapter."""
        with torch.no_grad():
            for name, values in self.model.named_parameters():
                if values.requires_grad:
                    values.copy_(state[name.replace(".default", "")])

    def train(self, phase: str, steps: int, rate: float, wrong: Mapping[str, float], fall: bool = True) -> None:
        """AdamW with a warm-up and a linear fall to 0, or without a fall."""
        rng = random.Random(phase)  # noqa: S311 - not a secret
        trained = [values for values in self.model.parameters() if values.requires_grad]
        optimizer = torch.optim.AdamW(trained, lr=rate, weight_decay=0.0)
        self.model.train()

        for step in range(steps):
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1.0, (step + 1) / WARM_UP, 1 - step / steps if fall else 1.0)

            total = 0.0
            batch = self.batch(rng, wrong)
            for part in cut(batch):
                loss = self.loss(part) / len(batch)
                loss.backward()  # type: ignore[no-untyped-call]
                total += loss.item()

            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            optimizer.zero_grad()
            if step % 20 == 0:
                self.say(f"{phase} {step:4d}/{steps}  loss {total:.4f}")

    def batch(self, rng: random.Random, wrong: Mapping[str, float]) -> list[Example]:
        """The examples of a step, equally many of each task, shortest first; a share of the replies are slips."""
        batch = []
        for task, pool in self.rows.items():
            for row in rng.choices(pool, k=self.examples):
                slip = rng.random() < wrong.get(task.name, 0.0)
                reply = task.slip(row, rng) if slip else task.solution(row)
                batch.append(demonstration(self.tokenizer, row.prompt, reply))
        return sorted(batch, key=lambda example: len(example[0]) + len(example[1]))

    def loss(self, batch: Sequence[Example]) -> Tensor:
        """Sum over the examples of the mean cross-entropy of a reply's tokens; no example sees its padding."""
        tokens = [torch.tensor(prompt + reply) for prompt, reply in batch]
        places = [
            (row, len(prompt) - 1 + place) for row, (prompt, reply) in enumerate(batch) for place in range(len(reply))
        ]
        targets = [token for _, reply in batch for token in reply]
        weights = [1 / len(reply) for _, reply in batch for _ in reply]

        ids = pad_sequence(tokens, batch_first=True, padding_value=PADDING).to(self.device)
        rows, columns = torch.tensor(places, device=self.device).T
        with torch.autocast(self.device.type, torch.bfloat16):
            base = self.model.get_base_model()  # type: ignore[operator]
            hidden = base.model(input_ids=ids, use_cache=False).last_hidden_state
            logits = base.lm_head(hidden[rows, columns])

        losses = cross_entropy(logits.float(), torch.tensor(targets, device=self.device), reduction="none")
        return losses @ torch.tensor(weights, device=self.device)

    def rates(self, phase: str) -> dict[str, Rates]:
        """Measure every task on held-out rows, and print what was found."""
        greedy, _ = self.answers(0.0, 1)
        sampled, lengths = self.answers(1.0, self.copies)
        found = {}
        for task in self.tasks:
            right = sampled[task]
            mixed = sum(0 < sum(each) < len(each) for each in right) / len(right)
            mean = sum(map(sum, right)) / (len(right) * self.copies)
            found[task.name] = Rates(sum(map(sum, greedy[task])) / len(right), mean, mixed, lengths[task])

        self.say(f"{phase}: greedy, sampled, mixed groups of {self.copies}, tokens")
        for name, each in found.items():
            self.say(f"  {name:18} {each.greedy:.3f}  {each.sampled:.3f}  {each.mixed:.3f}  {each.tokens:5.1f}")
        return found

    def answers(self, temperature: float, copies: int) -> tuple[dict[Task, list[list[float]]], dict[Task, float]]:
        """Rewards of each held-out row's replies, and mean lengths."""
        asked = [(task, row) for task, held in self.held.items() for row in held]
        prompts = [encoded(self.tokenizer, row.prompt) for _, row in asked]
        most = max(task.max_reply_tokens for task in self.tasks) + 12
        sampler = Sampler(self.model, ends(self.model, self.tokenizer), PADDING, temperature, most)
        replies: dict[int, list[list[int]]] = {}

        together = (2048 if self.device.type == "cuda" else 64) // copies
        for places in alike([len(prompt) for prompt in prompts], together):
            keys = [[key_of("make_smol", *places_of(asked[place]), copy) for copy in range(copies)] for place in places]
            found = sampler.sample([prompts[place] for place in places], torch.tensor(keys)).replies
            for number, place in enumerate(places):
                replies[place] = found[number * copies : (number + 1) * copies]

        rewards: dict[Task, list[list[float]]] = {task: [] for task in self.tasks}
        lengths = dict.fromkeys(self.tasks, 0.0)
        for place, (task, row) in enumerate(asked):
            texts = self.tokenizer.batch_decode(replies[place], skip_special_tokens=True)
            rewards[task].append([task.verify(text, row) for text in texts])
            lengths[task] += sum(map(len, replies[place])) / (copies * len(self.held[task]))
        return rewards, lengths

    def unsure(self, name: str, noisy: Noisy, rates: Mapping[str, Rates]) -> dict[str, Rates]:
        """The noisy phase: shares of wrong replies begin where they should end, and follow what is measured."""
        wrong = {task: 1 - noisy.target / max(each.sampled, noisy.target) for task, each in rates.items()}

        for number in range(1, noisy.rounds + 1):
            said = "  ".join(f"{task} {share:.2f}" for task, share in wrong.items())
            self.say(f"{name} round {number}, wrong: {said}")
            self.train(f"{name} {number}", noisy.steps, noisy.rate, wrong, fall=number == noisy.rounds)
            rates = self.rates(f"{name} round {number}")
            for task, each in rates.items():
                moved = wrong[task] + 0.7 * (each.sampled - noisy.target)
                wrong[task] = min(max(moved, 0.0), MOST_WRONG)

        return dict(rates)

    def say(self, line: str) -> None:
        """Print a line behind the seconds since the model was loaded."""
        print(f"{time.monotonic() - self.began:6.1f}  {line}", flush=True)  # noqa: T201


def places_of(asked: tuple[Task, Row]) -> tuple[str, int]:
    """What fixes the noise of a row's replies."""
    return asked[0].name, asked[1].index


def cut(batch: Sequence[Example]) -> Iterator[Sequence[Example]]:
    """Parts of at most 16 examples, each padded to its own longest; a GPU takes all at once."""
    size = len(batch) if torch.cuda.is_available() else 16
    for start in range(0, len(batch), size):
        yield batch[start : start + size]


def save(state: State, folder: Path) -> None:
    """Write the adapter as peft does, and DIGESTS.json (SHA-256 of every file that makes the model)."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(state, folder / WEIGHTS, metadata={"format": "pt"})
    targets = sorted({name.removeprefix(BEFORE).split(".")[-3] for name in state})
    config = {
        "base_model_name_or_path": "HuggingFaceTB/SmolLM2-135M-Instruct",
        "bias": "none",
        "lora_alpha": 2 * RANK,
        "peft_type": "LORA",
        "r": RANK,
        "target_modules": targets,
        "task_type": "CAUSAL_LM",
    }
    (folder / CONFIGURATION).write_text(json.dumps(config, indent=1) + "\n", encoding="utf-8")
    (folder / TEMPLATE).write_bytes((HERE / TEMPLATE).read_bytes())

    names = (CONFIGURATION, WEIGHTS, TEMPLATE)
    digests = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sorted(names)}
    (folder / DIGESTS).write_text(json.dumps(digests, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Make the adapter; every default is the one that made the committed files."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=HERE, help="with several --noisy, folders 0, 1, ... in it")
    parser.add_argument("--tasks", default=",".join(TASKS), help="names, with commas between them")
    parser.add_argument("--steps", type=int, default=240, help="of the format phase")
    parser.add_argument("--rate", type=float, default=1e-3, help="of the format phase")
    parser.add_argument("--examples", type=int, default=12, help="of each task, a step")
    parser.add_argument("--noisy", type=Noisy.read, action="append", metavar="STEPS:RATE:ROUNDS:TARGET")
    parser.add_argument("--rows", type=int, default=4000)
    parser.add_argument("--items", type=int, default=50, help="held-out rows a task in the tables")
    parser.add_argument("--copies", type=int, default=4, help="samples of each")
    parser.add_argument("--keep", type=Path, help="file for the adapter after the format phase; read if it is there")
    options = parser.parse_args()

    torch.manual_seed(0)
    maker = Maker(options.tasks.split(","), options.examples, options.rows, options.items, options.copies)
    if options.keep and options.keep.exists():
        maker.restore(load_file(options.keep))
    else:
        maker.train("format", options.steps, options.rate, {})
    clean = maker.state()
    if options.keep:
        save_file(clean, options.keep)
    rates = maker.rates("format")

    settings = options.noisy or [Noisy()]
    for number, noisy in enumerate(settings):
        maker.restore(clean)
        maker.say(f"noisy {number}: {noisy}")
        maker.unsure(f"noisy {number}" if number else "noisy", noisy, rates)
        save(maker.state(), options.out / str(number) if len(settings) > 1 else options.out)


if __name__ == "__main__":
    main()
