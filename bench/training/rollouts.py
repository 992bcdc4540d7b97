"""Task batches from a step's rollouts, and what is counted of them. Rollouts are those of all processes."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from bench.engine.world import World
from bench.training.answers import sample_weights_of
from bench.training.batches import Measured, MicroBatch, TaskBatch
from bench.training.packing import Group, packed
from bench.training.prefixes import Prefixes, padded_size
from methods import Method, Rollouts, SampleWeighting

PROBABILITIES = ("old_per_token_logps", "sampling_per_token_logps", "importance_sampling_ratio")
Padded = dict[str, Any]
"""TRL's padded tensors of the completions that this process sampled, [n, ...]; as `packed`, the same in shared rows."""


def scaled(rollouts: Rollouts, factors: Sequence[float]) -> Rollouts:
    """The rollouts with advantages times their task's factor, the suite's `advantage_scale`; factors: [K]."""
    if all(factor == 1 for factor in factors):
        return rollouts
    by_task = torch.tensor(factors, dtype=rollouts.advantages.dtype, device=rollouts.advantages.device)
    return replace(rollouts, advantages=rollouts.advantages * by_task[rollouts.task])


def reweighted(rollouts: Rollouts, method: Method, step: int) -> Tensor:
    """Advantages that make TRL's per-sequence mean loss the method's: [N].

    The clipped surrogate is homogeneous in the advantage, so a token weight w of a completion of L tokens is the
    same as multiplying its advantage by w L (exact without a KL term, and suites have none).
    """
    if not isinstance(method, SampleWeighting):
        return rollouts.advantages
    advantages, token_weights = sample_weights_of(method, rollouts, step)
    return advantages * token_weights * rollouts.lengths


def grouped(
    batch: Padded,
    rollouts: Rollouts,
    advantages: Tensor,
    most: int,
    world: World | None = None,
    prefixes: Prefixes | None = None,
) -> list[TaskBatch[Padded]]:
    """The step's rollouts by task, in two halves by prompt group, cut into micro-batches of at most `most`.

    A completion of advantage 0 adds nothing to loss or gradient and is not computed, though it counts in the mean.
    prefixes: decides which micro-batches share their prompts; None: none does.
    """
    world = world or World()
    own = mine(rollouts, world)
    ours_advantages = advantages[own]
    ours_groups = rollouts.group[own]

    result = []
    for task in torch.unique(rollouts.task).tolist():
        ours = rollouts.task == task
        total = int(ours.sum())
        groups = torch.unique(rollouts.group[ours])
        middle = len(groups) // 2
        parts = [groups] if middle == 0 else [groups[:middle], groups[middle:]]

        halves = tuple(
            [
                micro_batch(padded(batch, ours_advantages, chosen), ours_groups[chosen], len(chosen) / total, prefixes)
                for chosen in torch.split(_heard(rollouts, part, own, ours_advantages), most)
                if len(chosen)
            ]
            for part in parts
        )

        first = int(torch.isin(rollouts.group, parts[0]).sum()) / total if middle else None
        result.append(TaskBatch(task, halves, first, total, int(rollouts.lengths[ours].sum())))

    return result


def mine(rollouts: Rollouts, world: World) -> Tensor:
    """Which rollouts this process sampled, [N] bool: groups are dealt in turn."""
    return rollouts.group % world.size == world.rank


def _heard(rollouts: Rollouts, groups: Tensor, own: Tensor, advantages: Tensor) -> Tensor:
    """Where the completions of some groups that have an advantage are among this process's. own: [N] bool."""
    return (torch.isin(rollouts.group[own], groups) & (advantages != 0)).nonzero()[:, 0]


def padded(batch: Mapping[str, Tensor], advantages: Tensor, chosen: Tensor) -> Padded:
    """Some sequences, padded only to their own longest prompt and completion; chosen: indices."""
    prompt_mask = batch["prompt_mask"][chosen]
    reply_mask = batch["completion_mask"][chosen]
    prompt = int(prompt_mask.sum(dim=1).max())
    reply = int(reply_mask.sum(dim=1).max())

    data = {
        "prompt_ids": batch["prompt_ids"][chosen][:, -prompt:],
        "prompt_mask": prompt_mask[:, -prompt:],
        "completion_ids": batch["completion_ids"][chosen][:, :reply],
        "completion_mask": reply_mask[:, :reply],
        "advantages": advantages[chosen],
    }

    # the last two of these come with vLLM only; a ratio is [n, T] or, for whole sequences, [n, 1]
    for name in (*PROBABILITIES, "token_advantages"):
        if name in batch:
            data[name] = batch[name][chosen][:, :reply]
    return data


def micro_batch(data: Padded, groups: Tensor, share: float, prefixes: Prefixes | None) -> MicroBatch[Padded]:
    """Sequences that go through the model together, with shared prompts if that is wanted.

    groups: the prompt group of each, [n]; sequences of one group are neighbours.
    """
    found = groups_of(data, groups.tolist())
    rows, width = padded_size(found)
    if prefixes is None or not prefixes.wanted(found):
        return MicroBatch(data, share, rows * width)

    shared = packed(found, prefixes.padding, prefixes.device)
    return MicroBatch({**data, "packed": shared}, share, shared.tokens.numel())


def groups_of(data: Padded, groups: Sequence[int]) -> list[Group]:
    """Prompts and replies of padded sequences, by group."""
    prompts = _unpadded(data, "prompt")
    replies = _unpadded(data, "completion")
    found = []
    for _, members in groupby(range(len(groups)), key=groups.__getitem__):
        places = list(members)
        found.append(Group(prompts[places[0]], [replies[place] for place in places]))
    return found


def _unpadded(data: Padded, part: str) -> list[list[int]]:
    rows = zip(data[f"{part}_ids"].tolist(), data[f"{part}_mask"].tolist(), strict=True)
    return [[token for token, there in zip(tokens, mask, strict=True) if there] for tokens, mask in rows]


def measure(rollouts: Rollouts, advantages: Tensor, tasks: int) -> Measured:
    """Per-task means over the step's completions, [K] float64; NaN for a task without any."""

    def mean(values: Tensor) -> Tensor:
        return torch.stack([values[rollouts.task == task].double().mean() for task in range(tasks)]).cpu()

    # a group is silent if all of its advantages are 0: it adds nothing to the gradient
    loudest = torch.zeros(int(rollouts.group.max()) + 1, device=advantages.device, dtype=advantages.dtype)
    loudest.scatter_reduce_(0, rollouts.group, advantages.abs(), "amax")

    counts = torch.bincount(rollouts.task, minlength=tasks).double().cpu()
    return Measured(
        rewards=mean(rollouts.rewards),
        mean_abs_advantage=mean(advantages.abs()),
        lengths=mean(rollouts.lengths),
        prompt_lengths=mean(rollouts.prompt_lengths),
        silent=mean((loudest == 0)[rollouts.group]),
        shares=counts / counts.sum(),
    )
