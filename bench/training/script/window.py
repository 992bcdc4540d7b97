"""A step in progress: micro-batches go in one after the other, in parts; K task gradients come out.

A task's gradient is K times its part of the trainer's own gradient, so that weights of 1/K make the trainer's step. For
methods that choose no weights it is that part over the task's share, the gradient of the task's mean loss.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from bench.engine.gradients import TaskGradients
from bench.training.script.parts import Part, PartedModel
from bench.training.script.tally import Sequences, Tally

FIRST = 0
HALVES = (0, 1)


class Window:
    """Gathers the parts of a step. weighs: whether the method chooses weights.

    several: whether a step has several micro-batches; then second halves need rows of their own, which are kept only if
    `halves`, because the method uses what they estimate.
    """

    def __init__(self, gradients: TaskGradients, weighs: bool, several: bool, halves: bool) -> None:
        self.gradients = gradients
        self.weighs = weighs
        self.several = several
        self.halved = halves or not several
        self.seconds = torch.zeros_like(gradients.rows) if several and halves else None
        self.tally = Tally(gradients.tasks)
        self.empty = True

    def start(self) -> None:
        """Forget the last step."""
        self.gradients.start()
        self.tally.start()
        if self.seconds is not None:
            self.seconds.zero_()
        self.empty = False

    def deal(self, found: Sequences) -> list[Part]:
        """The parts of a micro-batch, by task and half; each is counted."""
        if not self.halved:
            found = _unhalved(found)
        self.tally.add(found)

        parts = []
        for task in torch.unique(found.task).tolist():
            for half in HALVES:
                rows = ((found.task == task) & (found.half == half)).nonzero()[:, 0]
                if len(rows):
                    parts.append(Part(task, half, rows))
        return parts

    def add(self, model: PartedModel) -> None:
        """Send the loss of a micro-batch back through its parts."""
        if self.several:
            for number, part in enumerate(model.parts):
                self._aim(part)
                model.backward(number)
            return

        self.tally.gather(self.gradients.world, self.gradients.device)
        for task in range(self.gradients.tasks):
            for number, part in enumerate(model.parts):
                if part.task == task:
                    self.gradients.point(task if part.half == FIRST else self.gradients.tasks)
                    model.backward(number)
            self._join(task)

    def close(self) -> None:
        """Make the gradients whole, over halves and processes, and to the scale of the trainer's step."""
        if self.several:
            self.tally.gather(self.gradients.world, self.gradients.device)
            for task in range(self.gradients.tasks):
                if self.seconds is not None:
                    self.gradients.combined.copy_(self.seconds[task])
                self._join(task)

        factors = self._factors()
        self.gradients.rows.mul_(factors.to(self.gradients.dtype).to(self.gradients.device)[:, None])
        self.gradients.cross.mul_(factors.square())
        self.empty = True

    def _aim(self, part: Part) -> None:
        if part.half == FIRST:
            self.gradients.point(part.task)
        else:
            assert self.seconds is not None, "without halves there is one"
            self.gradients.point_at(self.seconds[part.task])

    def _join(self, task: int) -> None:
        share = self.tally.first_share(task) if self.halved else None
        self.gradients.join(task, share)

        # all of it may have been in the second half
        if share is None and self.halved:
            spare = self.gradients.gathered(self.gradients.buffer[self.gradients.tasks :])
            self.gradients.rows[task : task + 1] += spare
            spare.zero_()

    def _factors(self) -> Tensor:
        """What a task's part is multiplied with, [K] float64: processes' gradients are averaged, not summed."""
        shares = self.tally.shares
        per_share = torch.where(shares > 0, 1 / shares, 0.0)
        factors = torch.full_like(shares, len(shares)) if self.weighs else per_share
        return factors / self.gradients.world.size


def _unhalved(found: Sequences) -> Sequences:
    values = {name: getattr(found, name) for name in Sequences.__slots__}
    return Sequences(**{**values, "half": torch.zeros_like(found.half)})


def alternating(tasks: Sequence[int], seen: list[int]) -> list[int]:
    """Halves of rows that are independent of each other, [n]: every second one of a task. seen: of each task so far."""
    halves = []
    for task in tasks:
        halves.append(seen[task] % 2)
        seen[task] += 1
    return halves
