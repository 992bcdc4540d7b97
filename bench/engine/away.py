"""Task gradients in the host's memory: one row on the accelerator in place of K + 1.

Pairs of K gradients cannot be multiplied without having both, and to compute one again for each of its pairs costs a
backward pass a pair. So no pass is repeated: each row leaves the accelerator when its task is done, and inner products
and the combination are formed of a few columns of all rows at a time, in the order in which rows that stayed would be
summed. They are the same to rounding, at the price of moving each row out and in again two or three times.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor
from torch.nn import Parameter

from bench.engine.gradients import CHUNK, TOGETHER, TaskGradients, inner_products
from bench.engine.world import World
from bench.errors import RunFailed

COLUMNS = CHUNK * TOGETHER * 4
"""Columns of all rows that are on the accelerator at once; a multiple of what one product takes, so that sums agree."""


class AwayGradients(TaskGradients):
    """`TaskGradients` whose rows are in the host's memory, for methods that act on weights.

    On the accelerator is one row of P elements, the hand: it takes a half of the task that goes backward, and finally
    the combination. A task's halves must come one after the other, and `join` closes it.
    """

    def __init__(
        self, parameters: Sequence[Parameter], names: Sequence[str], tasks: int, world: World | None = None
    ) -> None:
        super().__init__(parameters, names, tasks, world)
        self._open: int | None = None
        """The task whose gradient is in the hand."""
        self._second = False
        """Whether the hand holds its second half, and the first is away."""
        self._stale = set[int]()
        """Rows of the step before."""

    def allocate(self) -> None:
        """The hand, and the rows; in memory that the accelerator reads without a copy on the way."""
        size = sum(self.layout.sizes)
        self.buffer = torch.zeros(1, size, dtype=self.dtype, device=self.device)
        pinned = self.device.type == "cuda"
        self.away = torch.zeros(self.tasks, size, dtype=self.dtype, pin_memory=pinned)

    @property
    def rows(self) -> Tensor:
        """RunFailed: whoever asks for whole rows needs those that stay."""
        raise RunFailed("the task gradients are in the host's memory, where they are seen a few columns at a time.")

    @property
    def combined(self) -> Tensor:
        """The row that the optimizer steps on, [P]."""
        return self.buffer[0]

    def start(self) -> None:
        """Forget the last step."""
        self.buffer.zero_()
        self.cross.fill_(float("nan"))
        self._stale = set(range(self.tasks))

    def point(self, row: int) -> None:
        """Let backward accumulate into the hand: for a task's first half, or, by K, for its second."""
        if row == self.tasks:
            assert self._open is not None, "a first half comes before the second"
            self._put(self._open, self.gathered(self.buffer)[0])
            self._second = True
        else:
            assert self._open is None, f"task {self._open} is not joined"
            self._open = row

        self.buffer.zero_()
        self._give(self._views[0])

    def join(self, task: int, first_share: float | None) -> None:
        """Take the task's gradient from the hand, and estimate its squared norm, as `TaskGradients.join` does."""
        assert self._open == task, f"task {task} is not in the hand"
        hand = self.gathered(self.buffer)

        if not self._second:
            self._put(task, hand[0])
        else:
            product = torch.zeros(1, 1, dtype=torch.float64)
            for part, first in self._pieces(slice(task, task + 1)):
                product += inner_products(first, hand[:, part])
                self.away[task, part].copy_((first + hand[:, part])[0])
            if first_share is not None:
                self.cross[task] = self.products(product).item() / (first_share * (1 - first_share))

        self._open = None
        self._second = False
        hand.zero_()

    def gramian(self) -> Tensor:
        """Inner products of the task gradients, [K, K] float64, symmetric."""
        total = torch.zeros(self.tasks, self.tasks, dtype=torch.float64)
        for _, rows in self._pieces(slice(None)):
            total += inner_products(rows, rows)
        return self.products((total + total.T) / 2)

    def columns(self, part: slice) -> Tensor:
        """Some columns of the task gradients, [K, n], on the accelerator."""
        self._clear()
        return self._brought(slice(None), part)

    def combine(self, weights: Tensor) -> None:
        """Write the weighted sum of task gradients, weights [K], into the hand and point at it."""
        weights = weights.to(self.dtype).to(self.device)
        for part, rows in self._pieces(slice(None)):
            torch.mv(rows.T, weights, out=self.combined[part])
        self._give(self._views[0])

    def place(self, direction: Tensor) -> None:
        """Write a direction [P] into the hand and point at it."""
        self.combined.copy_(direction)
        self._give(self._views[0])

    def _put(self, task: int, row: Tensor) -> None:
        self.away[task].copy_(row)
        self._stale.discard(task)

    def _clear(self) -> None:
        """Rows of tasks without prompts in this step are zero."""
        for task in self._stale:
            self.away[task].zero_()
        self._stale = set()

    def _pieces(self, tasks: slice) -> Iterator[tuple[slice, Tensor]]:
        """All columns of some rows, a few at a time, on the accelerator."""
        if tasks == slice(None):
            self._clear()
        width = self.away.shape[1]
        for first in range(0, width, COLUMNS):
            part = slice(first, min(first + COLUMNS, width))
            yield part, self._brought(tasks, part)

    def _brought(self, tasks: slice, part: slice) -> Tensor:
        rows = self.away[tasks]
        found = torch.empty(len(rows), part.stop - part.start, dtype=self.dtype, device=self.device)
        for row, place in zip(rows, found, strict=True):
            place.copy_(row[part], non_blocking=True)
        return found
