"""Several processes that train one model, one a device; alone, every operation is the identity.

Every process draws the same prompts, takes its own part of them, and ends with the same gradients: parts of a
task's gradient are summed over processes before anything is made of them.
"""

from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import Tensor


@dataclass(frozen=True, slots=True)
class World:
    """Which process this is, of how many."""

    rank: int = 0
    size: int = 1

    @classmethod
    def now(cls) -> "World":
        """The processes that were started together; a world of one where none were."""
        if not (dist.is_available() and dist.is_initialized()):
            return cls()
        return cls(dist.get_rank(), dist.get_world_size())

    @property
    def first(self) -> bool:
        """Whether this process speaks for all: it shows progress and writes the record."""
        return self.rank == 0

    def mine(self, count: int) -> slice:
        """This process's part of `count` things, dealt in turn."""
        return slice(self.rank, count, self.size)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over processes, in place."""
        if self.size > 1:
            dist.all_reduce(values)
        return values

    def gather(self, values: Tensor) -> Tensor:
        """Values [n, ...] of all processes, [n * size, ...], in the order in which `mine` dealt them.

        n must be the same in all processes.
        """
        if self.size == 1:
            return values
        parts = [torch.empty_like(values) for _ in range(self.size)]
        dist.all_gather(parts, values.contiguous())
        return torch.stack(parts, dim=1).flatten(0, 1)

    def wait(self) -> None:
        """Wait until every process is here."""
        if self.size > 1:
            dist.barrier()
