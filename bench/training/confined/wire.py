"""Messages between a run and a confined method: a header in JSON, then the bytes of tensors. No code crosses.

Large tensors lie in shared memory, where both ends have some. What the run says may name dataclasses of the contract.
What a method answers is tensors and plain values, nothing else.
"""

import json
import math
import struct
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bench.training.confined.memory import Memory

HEAD = struct.Struct("<II")
"""Bytes of the header, and of the tensors."""
HEADER, BODY = 2**24, 2**30
"""Most bytes of each: the state of a method that keeps task gradients is several of them."""
KINDS = {
    str(kind).removeprefix("torch."): kind
    for kind in (
        torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.complex128, torch.complex64,
        torch.int64, torch.int32, torch.int16, torch.int8, torch.uint8, torch.bool,
    )
}  # fmt: skip
LARGE = 2**16
"""Bytes from which a tensor lies in shared memory, where there is any and room in it."""
ALIGNED = 64
"""Bytes that divide the places of tensors there."""
Message = tuple[dict[str, Any], dict[str, Tensor]]
"""A header, and tensors by name."""


class NoMessage(Exception):
    """Bytes that are no message, or a value that none can hold; the message says why."""


def packed(
    header: Mapping[str, Any], tensors: Mapping[str, Tensor] | None = None, memory: Memory | None = None
) -> bytes:
    """A message's bytes. NoMessage if it is too large or holds a tensor of a kind that does not cross.

    memory: where tensors of `LARGE` bytes are put, as many as fit.
    """
    listed = list[list[Any]]()
    body = list[bytes]()
    place = 0

    for name, tensor in (tensors or {}).items():
        if kind_of(tensor) not in KINDS:
            raise NoMessage(f"a tensor of {kind_of(tensor)}")
        entry: list[Any] = [name, kind_of(tensor), list(tensor.shape)]
        if memory is not None and tensor.nbytes >= LARGE and memory.put(tensor, place):
            listed.append([*entry, place])
            place += -(-tensor.nbytes // ALIGNED) * ALIGNED
        else:
            listed.append(entry)
            body.append(_bytes(tensor))

    text = json.dumps({**header, "tensors": listed}, separators=(",", ":")).encode()
    size = sum(map(len, body))
    if len(text) > HEADER or size > BODY:
        raise NoMessage(f"{len(text) + size} bytes")
    return b"".join([HEAD.pack(len(text), size), text, *body])


def received(read: Callable[[int], bytearray], memory: Memory | None = None) -> Message:
    """The next message. read: gives exactly so many bytes, of its own. NoMessage if they are none."""
    sizes = HEAD.unpack(read(HEAD.size))
    if sizes[0] > HEADER or sizes[1] > BODY:
        raise NoMessage(f"{sum(sizes)} bytes")

    text = read(sizes[0])
    body = read(sizes[1])
    try:
        header = json.loads(text)
        return header, dict(_tensors(header.pop("tensors"), body, memory))
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError, OverflowError) as error:
        raise NoMessage(type(error).__name__) from None


def kind_of(tensor: Tensor) -> str:
    """The name of a tensor's kind of numbers."""
    return str(tensor.dtype).removeprefix("torch.")


def _bytes(tensor: Tensor) -> bytes:
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().tobytes()


def _tensors(listed: list[Any], body: bytearray, memory: Memory | None) -> list[tuple[str, Tensor]]:
    """The tensors that a header lists. ValueError unless they lie in memory or make up the body."""
    found = []
    begin = 0
    for name, kind, shape, *place in listed:
        if not all(type(size) is int and 0 <= size <= BODY for size in shape) or len(shape) > 8:
            raise ValueError("no shape")
        if place:
            if memory is None or type(place[0]) is not int or place[0] % ALIGNED or place[0] < 0:
                raise ValueError("no place")
            found.append((str(name), memory.taken(shape, KINDS[kind], place[0])))
            continue

        count = math.prod(shape)
        size = count * KINDS[kind].itemsize
        part = memoryview(body)[begin : begin + size]
        if len(part) != size:
            raise ValueError("cut short")

        begin += size
        # a copy lies where torch would have put it: products may depend on how memory is aligned
        flat = torch.frombuffer(part, dtype=KINDS[kind]).clone() if count else torch.empty(0, dtype=KINDS[kind])
        found.append((str(name), flat.reshape(shape)))

    if begin != len(body):
        raise ValueError("bytes beyond the tensors")
    return found
