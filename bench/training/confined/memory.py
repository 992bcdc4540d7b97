"""Memory that a run and its confined method both see, so that large tensors need not cross the socket.

Its first part holds a step's task gradients, K * P numbers: the run writes them and the method reads them in place.
What the method writes there changes a copy, as the run's own gradients lie elsewhere. The rest is for the large tensors
of one message, which the receiver copies; as the two ends never speak at once, no message finds another's there.
"""

import math
import mmap
import os
from collections.abc import Sequence

import torch
from torch import Tensor

LARGEST = 2**27
"""Most bytes of task gradients that are shared; a method that needs more runs in the process that trains."""
PARTS = 3
"""Task gradients have one, a message two: as much as they are, and what a plan says of its models beside."""


def new(gradients: int) -> int:
    """A descriptor of zeros that are in no file. gradients: bytes of the largest task gradients."""
    descriptor = os.memfd_create("gradients", os.MFD_CLOEXEC)
    os.ftruncate(descriptor, PARTS * gradients)
    return descriptor


class Memory:
    """The bytes behind a descriptor, as tensors."""

    def __init__(self, descriptor: int) -> None:
        self.size = os.fstat(descriptor).st_size
        self._bytes = mmap.mmap(descriptor, self.size)

    def gradients(self, shape: Sequence[int], dtype: torch.dtype) -> Tensor:
        """The task gradients. ValueError if they do not fit."""
        return self._tensor(shape, dtype, 0, self.size // PARTS)

    def put(self, tensor: Tensor, place: int) -> bool:
        """Write a tensor of a message behind so many bytes of others; False if it does not fit."""
        begin = self.size // PARTS + place
        if begin + tensor.nbytes > self.size:
            return False
        self._tensor(tensor.shape, tensor.dtype, begin, self.size).copy_(tensor.detach())
        return True

    def taken(self, shape: Sequence[int], dtype: torch.dtype, place: int) -> Tensor:
        """A copy of such a tensor. ValueError if none can lie there."""
        return self._tensor(shape, dtype, self.size // PARTS + place, self.size).clone()

    def _tensor(self, shape: Sequence[int], dtype: torch.dtype, begin: int, end: int) -> Tensor:
        count = math.prod(shape)
        if begin + count * dtype.itemsize > end:
            raise ValueError(f"{count} numbers of {dtype} in {end - begin} bytes")
        return torch.frombuffer(self._bytes, dtype=dtype, count=count, offset=begin).reshape(tuple(shape))
