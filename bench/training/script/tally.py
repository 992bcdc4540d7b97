"""What is counted of a step's sequences, by task, over all processes."""

from dataclasses import dataclass, fields

import torch
from torch import Tensor

from bench.engine.world import World
from bench.training.batches import Measured

ABSENT = float("nan")


@dataclass(frozen=True, slots=True)
class Sequences:
    """The sequences of a micro-batch, [n] each. half: 0 or 1; size: what one counts for in the loss, 1 or its tokens.

    loss: a sequence's own, summed over its size; rewards are NaN where a completion has none, or the regime.
    """

    task: Tensor
    half: Tensor
    size: Tensor
    loss: Tensor
    reward: Tensor
    advantage: Tensor
    length: Tensor
    prompt_length: Tensor
    silent: Tensor


SUMS = tuple(each.name for each in fields(Sequences) if each.name not in ("task", "half"))


class Tally:
    """Sums over the sequences of a step, [K] float64."""

    def __init__(self, tasks: int) -> None:
        self.tasks = tasks
        self.start()

    def start(self) -> None:
        """Forget the last step."""
        names = ("count", "rewarded", "first", *SUMS)
        self.sums = {name: torch.zeros(self.tasks, dtype=torch.float64) for name in names}

    def add(self, found: Sequences) -> None:
        """Count some sequences."""
        task = found.task.cpu()
        ones = torch.ones(len(task), dtype=torch.float64)
        first = found.size.cpu().double() * (found.half.cpu() == 0)
        self._add("count", task, ones)
        self._add("first", task, first)
        self._add("rewarded", task, ones * ~found.reward.cpu().isnan())

        for name in SUMS:
            self._add(name, task, getattr(found, name).cpu().double().nan_to_num())

    def _add(self, name: str, task: Tensor, values: Tensor) -> None:
        self.sums[name].index_add_(0, task, values)

    def gather(self, world: World, device: torch.device) -> None:
        """Add what other processes have counted."""
        if world.size > 1:
            together = world.sum(torch.stack(list(self.sums.values())).to(device)).cpu()
            self.sums = dict(zip(self.sums, together, strict=True))

    def first_share(self, task: int) -> float | None:
        """The first half's share of a task's loss, in (0, 1); None if one half has it all."""
        whole = self.sums["size"][task].item()
        share = self.sums["first"][task].item() / whole if whole else 0.0
        return share if 0 < share < 1 else None

    @property
    def shares(self) -> Tensor:
        """The tasks' shares of the step's sequences, [K]."""
        return self.sums["count"] / self.sums["count"].sum()

    @property
    def losses(self) -> Tensor:
        """Mean losses, [K]; NaN for a task without sequences."""
        return self._over("loss", "size")

    def measured(self, rewarded: bool) -> Measured:
        """Means over sequences, [K] float64; NaN for a task without. rewarded: not in SFT."""
        unknown = torch.full((self.tasks,), ABSENT, dtype=torch.float64)
        return Measured(
            rewards=self._over("reward", "rewarded"),
            mean_abs_advantage=self._over("advantage", "count") if rewarded else unknown,
            lengths=self._over("length", "count"),
            prompt_lengths=self._over("prompt_length", "count"),
            silent=self._over("silent", "count"),
            shares=self.shares,
        )

    def _over(self, name: str, count: str) -> Tensor:
        number = self.sums[count]
        return torch.where(number > 0, self.sums[name] / number, ABSENT)
