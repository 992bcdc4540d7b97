"""Which prompts a step trains on: shares into counts, and rows in an order fixed by the seed."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import NamedTuple

import torch
from torch import Tensor

from tasks import Row


class Prompt(NamedTuple):
    """A question that a step asks. task: its blind index; place: of the row in the task's stream, from 0.

    The place fixes the noise of the replies: whoever asks the n-th row of a task, in whatever step, meets the same.
    """

    task: int
    row: Row
    place: int


def seeded(*parts: object) -> torch.Generator:
    """A generator whose seed is the hash of its purpose, so that one draw never shifts another."""
    text = "/".join(map(str, parts))
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)


def blind_order(tasks: Sequence[str], seed: int) -> list[int]:
    """The order in which the method sees the tasks: position i holds suite task order[i]."""
    return torch.randperm(len(tasks), generator=seeded(seed, "order", *sorted(tasks))).tolist()


class Apportionment:
    """Turns intended shares into whole prompts a step; what is rounded away is carried to the next step."""

    def __init__(self, tasks: int, total: int) -> None:
        self.total = total
        self.carry = torch.zeros(tasks, dtype=torch.float64)

    def counts(self, shares: Tensor) -> list[int]:
        """Prompts of each task, [K], summing to the total; realised shares follow `shares` over steps."""
        wanted = shares * self.total + self.carry
        counts = wanted.clamp(min=0).floor()

        # Rounding and clamping leave a few prompts over or short: give or take them where it is owed most.
        while (left := int(self.total - counts.sum().item())) != 0:
            owed = wanted - counts
            if left > 0:
                counts[owed.argmax()] += 1
            else:
                counts[torch.where(counts > 0, owed, torch.inf).argmin()] -= 1

        self.carry = wanted - counts
        return [int(count) for count in counts]


class PromptStream:
    """Endless rows of one task: epoch after epoch, each in a fresh order drawn from the seed."""

    def __init__(self, rows: Sequence[Row], seed: int) -> None:
        self.rows = rows
        self.seed = seed
        self.move_to(0)

    def move_to(self, taken: int) -> None:
        """Go to where the stream is after so many rows."""
        self.taken = taken
        self._order = islice(self._endless(seeded(self.seed, "rows", self.rows[0].task)), taken, None)

    def take(self, count: int) -> list[tuple[int, Row]]:
        """The next `count` rows, each with its place in the stream."""
        first = self.taken
        self.taken += count
        return [(place, self.rows[next(self._order)]) for place in range(first, self.taken)]

    def _endless(self, generator: torch.Generator) -> Iterator[int]:
        while True:
            yield from torch.randperm(len(self.rows), generator=generator).tolist()
