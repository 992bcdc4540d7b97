"""K task gradients in one flat buffer that the parameters' `.grad` are views of.

Task batches are disjoint, so K gradients cost one backward pass over the same tokens. Each task's batch is
run in two halves, split by prompt group: their inner product estimates the squared norm of the expected
gradient without bias (the halves are independent, so E<a, b> = <E a, E b>).

Several processes: replicated parameters (DDP) have their parts of a task's gradient summed, so that every process
holds the same rows; of sharded parameters (FSDP2) a row holds this process's shard, and inner products are summed.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.distributed.tensor import DTensor
from torch.nn import Parameter

from bench.engine.seal import Seal
from bench.engine.world import World
from bench.errors import UserError
from methods import Layout

CHUNK = 1 << 13
"""Columns of one product: small enough for the cache, and short enough for float32 to sum exactly."""
TOGETHER = 1 << 6
"""Products that are formed at once, which bounds the memory of a copy in float32."""
WIDEST = 2**31 - 1
"""Elements from one row to the next that an accelerator's products can step over."""


MANY, LARGE = 5, 1 << 17
"""Rows and columns from which the Gramian is worth another library's products."""
ENTRIES = 1 << 17
"""Entries of a chunk there: half a MiB of float32, and few enough for products that are not packed first."""
BLOCK = 4
"""Rows of a product there."""


def inner_products(left: Tensor, right: Tensor) -> Tensor:
    """left @ right.T, [A, B] float64, from [A, P] and [B, P] in chunks of columns.

    One-shot float32 products are slower and lose accuracy with P (1.6 % at P = 4e7).
    """
    total = torch.zeros(len(left), len(right), dtype=torch.float64)
    for start in range(0, left.shape[1], CHUNK * TOGETHER):
        part = slice(start, start + CHUNK * TOGETHER)
        a, b = (some_columns(rows, part).float() for rows in (left, right))
        whole = a.shape[1] // CHUNK * CHUNK

        if whole:
            products = torch.bmm(_chunks(a[:, :whole]), _chunks(b[:, :whole]).transpose(1, 2))
            total += products.double().sum(dim=0).cpu()

        # the columns that are left fill no chunk
        if whole < a.shape[1]:
            total += (a[:, whole:] @ b[:, whole:].T).double().cpu()

    return total


def some_columns(rows: Tensor, part: slice) -> Tensor:
    """Some columns of rows [A, P], [A, n]: a view, or a copy where rows are too far apart for a product."""
    found = rows[:, part]
    return found.contiguous() if rows.stride(0) > WIDEST else found


def _chunks(rows: Tensor) -> Tensor:
    """Rows [A, n CHUNK] as chunks of columns, [n, A, CHUNK], without a copy."""
    return rows.view(len(rows), -1, CHUNK).transpose(0, 1)


def gramian_of(rows: Tensor) -> Tensor:
    """rows @ rows.T, [K, K] float64, symmetric, from [K, P]."""
    tasks, width = rows.shape
    if rows.device.type == "cpu" and rows.dtype == torch.float32 and tasks >= MANY and width >= LARGE:
        return _unpacked_gramian(rows)
    matrix = inner_products(rows, rows)
    return (matrix + matrix.T) / 2


def _unpacked_gramian(rows: Tensor) -> Tensor:
    """The same in less than half the time on a CPU: NumPy's BLAS multiplies few rows without packing them first.

    A block has one row too many on its left, because NumPy answers a @ a.T by another, slower routine.
    """
    tasks, width = rows.shape
    total = torch.zeros(tasks, tasks, dtype=torch.float64)
    given = rows.numpy()
    sums = total.numpy()  # the memory of `total`
    columns = ENTRIES // tasks

    for start in range(0, width, columns):
        part = given[:, start : start + columns]
        for row in range(0, tasks, BLOCK):
            left = max(row - 1, 0)
            sums[row : row + BLOCK, left:] += part[row : row + BLOCK] @ part[left:].T

    # blocks reach below the diagonal here and there; the upper triangle alone is complete
    return total.triu() + total.triu(1).T


class TaskGradients:
    """The buffer: rows 0..K-1 hold task gradients, row K the second half, then the combination.

    parameters: those that are trained; all of one dtype and device. P counts the elements in this process. Memory:
    (K + 1) P elements, against P of a plain step.
    """

    def __init__(
        self, parameters: Sequence[Parameter], names: Sequence[str], tasks: int, world: World | None = None
    ) -> None:
        kinds = {(parameter.dtype, parameter.device) for parameter in parameters}
        if len(kinds) != 1:
            raise UserError(f"trained parameters must share one dtype and device, found {sorted(map(str, kinds))}.")
        (self.dtype, self.device) = kinds.pop()

        self.world = world or World.now()
        self.parameters = list(parameters)
        self.sharded = any(isinstance(parameter, DTensor) for parameter in parameters)

        # a sharded parameter is laid out by the part that this process holds
        parts = [local(parameter) for parameter in parameters]
        shapes = tuple(tuple(part.shape) for part in parts)
        self.layout = Layout(tuple(names), tuple(part.numel() for part in parts), shapes)
        self.tasks = tasks

        self.seal = Seal(self.parameters, local)
        self.allocate()
        self.cross = torch.full((tasks,), float("nan"), dtype=torch.float64)
        self._views = [self._view(row) for row in self.buffer]

    def allocate(self) -> None:
        """The buffer: as many elements as there are task gradients, and one gradient more."""
        size = sum(self.layout.sizes)
        self.buffer = torch.zeros(self.tasks + 1, size, dtype=self.dtype, device=self.device)

    @property
    def rows(self) -> Tensor:
        """The task gradients, [K, P]."""
        return self.buffer[: self.tasks]

    @property
    def combined(self) -> Tensor:
        """The row that the optimizer steps on, [P]."""
        return self.buffer[self.tasks]

    def columns(self, part: slice) -> Tensor:
        """Some columns of the task gradients, [K, n], on the device."""
        return some_columns(self.rows, part)

    def start(self) -> None:
        """Forget the last step."""
        self.buffer.zero_()
        self.cross.fill_(float("nan"))

    @property
    def scale(self) -> int:
        """What a loss is multiplied with, because sharded backward passes average over processes."""
        return self.world.size if self.sharded else 1

    def point(self, row: int) -> None:
        """Let backward accumulate into a row: K is the spare one."""
        self._give(self._views[row])

    def point_at(self, row: Tensor) -> None:
        """Let backward accumulate into any flat row, [P]."""
        self._give(self._view(row))

    def _give(self, views: Sequence[Tensor]) -> None:
        for parameter, view in zip(self.parameters, views, strict=True):
            parameter.grad = like(view, parameter)

    def gathered(self, rows: Tensor) -> Tensor:
        """Gradients that hold this process's part of each batch, made whole in place."""
        return rows if self.sharded else self.world.sum(rows)

    def products(self, values: Tensor) -> Tensor:
        """Inner products over this process's elements, made whole in place."""
        return self.world.sum(values) if self.sharded else values

    def parameters_now(self) -> Tensor:
        """A copy of the trained parameters, [P]. RunFailed if they are not as the harness left them."""
        self.seal.check()
        return torch.cat([local(parameter.detach()).flatten() for parameter in self.parameters])

    def set_parameters(self, flat: Tensor) -> None:
        """Set the trained parameters, from [P], through `data`: `Seal` tells it from a method's doing."""
        for parameter, view in zip(self.parameters, self._view(flat), strict=True):
            local(parameter.data).copy_(view)
        self.seal.renew()

    def join(self, task: int, first_share: float | None) -> None:
        """Add the spare row, which holds the task's second half, to the task's row; None: there is no second half.

        first_share: the first half's share of the task's loss, in (0, 1). Both halves were scaled by their share,
        so the sum is the mean over all groups; the estimate divides the shares out again.
        """
        row = self.gathered(self.buffer[task : task + 1])
        spare = self.buffer[self.tasks :]
        if first_share is None:
            return

        product = self.products(inner_products(row, self.gathered(spare)))
        self.cross[task] = product.item() / (first_share * (1 - first_share))

        row += spare
        spare.zero_()

    def gramian(self) -> Tensor:
        """Inner products of the task gradients, [K, K] float64, symmetric."""
        return self.products(gramian_of(self.rows))

    def cross_gramian(self, gramian: Tensor) -> Tensor:
        """The Gramian with its diagonal replaced by the unbiased estimates, [K, K].

        Off-diagonal entries are unbiased as they are: different tasks have independent batches.
        """
        return gramian - torch.diag(gramian.diagonal()) + torch.diag(self.cross)

    def combine(self, weights: Tensor) -> None:
        """Write the weighted sum of task gradients, weights [K], into the combined row and point at it."""
        weights = weights.to(self.dtype).to(self.device)
        width = self.rows.shape[1]
        step = CHUNK * TOGETHER if width > WIDEST else max(width, 1)
        for first in range(0, width, step):
            part = slice(first, first + step)
            torch.mv(some_columns(self.rows, part).T, weights, out=self.combined[part])
        self.point(self.tasks)

    def place(self, direction: Tensor) -> None:
        """Write a direction [P] into the combined row and point at it."""
        self.combined.copy_(direction)
        self.point(self.tasks)

    def clip(self, norm: float, limit: float) -> bool:
        """Scale the combined row by limit / norm if `norm` is larger: its own norm, or one that stands in for it."""
        if norm <= limit:
            return False
        self.combined.mul_(limit / norm)
        return True

    def _view(self, row: Tensor) -> list[Tensor]:
        parts = row.split(list(self.layout.sizes))  # type: ignore[no-untyped-call]
        return [part.view(shape) for part, shape in zip(parts, self.layout.shapes, strict=True)]


def norm_of(weights: Tensor, gramian: Tensor) -> float:
    """Norm of a weighted sum of task gradients, weights [K], from their Gramian [K, K]: no pass over P is needed."""
    return (weights @ gramian @ weights).clamp(min=0).sqrt().item()


def local(tensor: Tensor) -> Tensor:
    """This process's part of a sharded tensor; the tensor itself otherwise."""
    return tensor.to_local() if isinstance(tensor, DTensor) else tensor


def full(tensor: Tensor) -> Tensor:
    """All of a sharded tensor, fetched from all processes; the tensor itself otherwise."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def like(part: Tensor, tensor: Tensor) -> Tensor:
    """This process's part as a tensor that is sharded as another one is."""
    if not isinstance(tensor, DTensor):
        return part
    return DTensor.from_local(part, tensor.device_mesh, tensor.placements, shape=tensor.shape, stride=tensor.stride())
