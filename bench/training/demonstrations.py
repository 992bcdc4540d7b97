"""Task batches for SFT from a step's demonstrations, and what is counted of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from transformers import PreTrainedTokenizerBase

from bench.engine.sampling import Prompt
from bench.engine.world import World
from bench.models.prompts import demonstration
from bench.training.batches import Measured, MicroBatch, TaskBatch
from tasks import Task

IGNORED = -100
"""Label of a token that enters no loss: prompt and padding."""


@dataclass(frozen=True, slots=True)
class Demonstration:
    """A prompt and a right reply as token ids."""

    task: int
    prompt: list[int]
    reply: list[int]


def demonstrations(
    tasks: Sequence[Task], prompts: Sequence[Prompt], tokenizer: PreTrainedTokenizerBase, most: int
) -> list[Demonstration]:
    """Each prompt with its task's solution, which is cut after `most` tokens."""
    shown = []
    for task, row, _ in prompts:
        prompt, reply = demonstration(tokenizer, row.prompt, tasks[task].solution(row))
        shown.append(Demonstration(task, prompt, reply[:most]))
    return shown


def task_batches(
    shown: Sequence[Demonstration], most: int, world: World, padding: int, device: torch.device
) -> list[TaskBatch[dict[str, Tensor]]]:
    """The demonstrations by task, in two halves, cut into micro-batches of at most `most`.

    Every answer token of a task counts the same. All processes have the same number of micro-batches in each half, as
    sharded passes must go in step: one without a demonstration of its own takes another's, with share 0.
    """
    result = []
    for task in sorted({one.task for one in shown}):
        ours = [one for one in shown if one.task == task]
        total = tokens(ours)
        middle = len(ours) // 2
        parts = [ours] if middle == 0 else [ours[:middle], ours[middle:]]

        halves = tuple(
            [
                MicroBatch(collated(own or all_of[:1], padding, device), tokens(own) / total)
                for all_of, own in _pieces(part, most, world)
            ]
            for part in parts
        )

        first = tokens(parts[0]) / total if middle else None
        result.append(TaskBatch(task, halves, first, len(ours), total))

    return result


def tokens(shown: Sequence[Demonstration]) -> int:
    """Answer tokens of some demonstrations."""
    return sum(len(one.reply) for one in shown)


def _pieces(
    part: Sequence[Demonstration], most: int, world: World
) -> Iterator[tuple[Sequence[Demonstration], Sequence[Demonstration]]]:
    """Pieces of a half for all processes together, each with this process's own, at most `most`."""
    for start in range(0, len(part), most * world.size):
        piece = part[start : start + most * world.size]
        yield piece, piece[world.mine(len(piece))]


def collated(shown: Sequence[Demonstration], padding: int, device: torch.device) -> dict[str, Tensor]:
    """Token ids, mask and labels, [n, T], padded on the right."""
    ids = [torch.tensor(one.prompt + one.reply) for one in shown]
    labels = [torch.tensor([IGNORED] * len(one.prompt) + one.reply) for one in shown]
    return {
        "input_ids": pad_sequence(ids, batch_first=True, padding_value=padding).to(device),
        "attention_mask": pad_sequence([torch.ones_like(one) for one in ids], batch_first=True).to(device),
        "labels": pad_sequence(labels, batch_first=True, padding_value=IGNORED).to(device),
    }


def counted(shown: Sequence[Demonstration], tasks: int, validation: Tensor | None = None) -> Measured:
    """Per-task means, [K] float64, NaN for a task without any; SFT has neither rewards nor advantages."""
    unknown = torch.full((tasks,), float("nan"), dtype=torch.float64)

    counts = torch.tensor([sum(one.task == task for one in shown) for task in range(tasks)], dtype=torch.float64)
    replies = torch.tensor([tokens([one for one in shown if one.task == task]) for task in range(tasks)])
    prompts = torch.tensor([sum(len(one.prompt) for one in shown if one.task == task) for task in range(tasks)])

    return Measured(
        rewards=unknown,
        mean_abs_advantage=unknown,
        lengths=replies / counts,
        prompt_lengths=prompts / counts,
        silent=torch.where(counts > 0, 0.0, unknown),
        shares=counts / counts.sum(),
        validation_losses=validation,
    )
