"""Rows of a data set for a method that chooses how many of each task a step has."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

import torch
from torch import Tensor

from bench.engine.sampling import Apportionment, seeded


class Draws:
    """Endless rows of each task, epoch after epoch, in an order that the seed fixes. places: of a task's rows."""

    def __init__(self, places: Mapping[str, Sequence[int]], seed: int) -> None:
        self.places = dict(places)
        self.seed = seed
        self.apportionment = Apportionment(len(places), 0)
        self.taken: list[int] = []
        self._rows: list[Iterator[int]] = []
        self.move_to([0] * len(places))

    def take(self, shares: Tensor, total: int) -> list[int]:
        """Places of `total` rows in the data set, shared out as `shares`, [K]; what is rounded away is carried on."""
        self.apportionment.total = total
        counts = self.apportionment.counts(shares)
        self.taken = [before + count for before, count in zip(self.taken, counts, strict=True)]
        return [row for rows, count in zip(self._rows, counts, strict=True) for row in islice(rows, count)]

    def state_dict(self) -> dict[str, Any]:
        """How far each task is, and what is carried."""
        return {"taken": list(self.taken), "carry": self.apportionment.carry.clone()}

    def load_state_dict(self, saved: Mapping[str, Any]) -> None:
        """Go on from a saved state."""
        self.move_to(saved["taken"])
        self.apportionment.carry = saved["carry"].clone()

    def move_to(self, taken: Sequence[int]) -> None:
        """Go to where each task is after so many rows."""
        self.taken = list(taken)
        self._rows = [islice(self._endless(task), count, None) for task, count in zip(self.places, taken, strict=True)]

    def _endless(self, task: str) -> Iterator[int]:
        generator = seeded(self.seed, "rows", task)
        places = self.places[task]
        while True:
            for place in torch.randperm(len(places), generator=generator).tolist():
                yield places[place]
