"""Memory that a run and its confined method both see: task gradients, K * P numbers, are written there and not sent.

The run writes and the method reads. What the method writes there changes a copy: the run's own gradients lie elsewhere.
"""

import math
import mmap
import os
from collections.abc import Sequence

import torch
from torch import Tensor

LARGEST = 2**27
"""Most bytes of task gradients that are shared; a method that needs more runs in the process that trains."""


def new(size: int) -> int:
    """A descriptor of so many bytes that are zero and in no file."""
    descriptor = os.memfd_create("gradients", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, size)
    return descriptor


class Memory:
    """The bytes behind a descriptor, as tensors."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._bytes = mmap.mmap(descriptor, self.size)

    def tensor(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """A tensor from the beginning on. ValueError if it does not fit."""
        count = math.prod(shape)
        if count * dtype.itemsize > self.size:
            raise ValueError(f"{count} numbers of {dtype} in {self.size} bytes")
        return torch.frombuffer(self._bytes, dtype=dtype, count=count).reshape(tuple(shape))
