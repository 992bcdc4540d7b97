"""Messages come back as they were, small tensors behind the header and large ones in shared memory."""

import json
import os
from collections.abc import Callable

import pytest
import torch

from bench.training.confined import memory
from bench.training.confined.memory import Memory
from bench.training.confined.wire import ALIGNED, HEAD, LARGE, NoMessage, packed, received

NUMBERS = LARGE // 4
"""As many of four bytes are large."""


@pytest.fixture
def shared() -> Memory:
    """Room for task gradients of `LARGE` bytes, and for as much again and again."""
    descriptor = memory.new(LARGE)
    try:
        return Memory(descriptor)
    finally:
        os.close(descriptor)


def reader(message: bytes) -> Callable[[int], bytearray]:
    rest = bytearray(message)

    def read(count: int) -> bytearray:
        part = rest[:count]
        del rest[:count]
        return part

    return read


def forged(entry: list[object]) -> bytes:
    """A message that lists one tensor, and brings no bytes."""
    text = json.dumps({"tensors": [entry]}).encode()
    return HEAD.pack(len(text), 0) + text


def test_large_tensors_do_not_cross_the_socket(shared: Memory) -> None:
    given = {"small": torch.arange(3.0), "large": torch.arange(NUMBERS + 1.0).flip(0), "none": torch.zeros(0, 2)}
    message = packed({"do": "x"}, given, shared)
    assert len(message) < 1000

    header, found = received(reader(message), shared)
    assert header == {"do": "x"}
    assert all(found[name].equal(given[name]) for name in given)


def test_several_lie_behind_one_another_and_what_finds_no_room_crosses(shared: Memory) -> None:
    given = {str(place): torch.full((NUMBERS - 8 * (place == 0), 1), float(place)) for place in range(3)}
    given["0"] = torch.cat([given["0"], torch.zeros(9, 1)])  # an odd number of bytes, beyond which the next is aligned
    message = packed({}, given, shared)
    assert LARGE < len(message) < 3 * LARGE

    _, found = received(reader(message), shared)
    assert all(found[name].equal(given[name]) for name in given)


def test_a_message_leaves_task_gradients_alone_and_its_tensors_are_copies(shared: Memory) -> None:
    gradients = shared.gradients((2, 8), torch.float32)
    gradients.fill_(7)
    message = packed({}, {"a": torch.ones(2 * NUMBERS)}, shared)
    _, found = received(reader(message), shared)
    packed({}, {"a": torch.zeros(2 * NUMBERS)}, shared)

    assert gradients.eq(7).all()
    assert found["a"].eq(1).all()


@pytest.mark.parametrize(
    "place",
    [-ALIGNED, 2 * LARGE, 2 * LARGE - ALIGNED, 1, "0", 0.0, None, True, 2**70],
    ids=["before", "behind", "beyond the end", "askew", "text", "fraction", "nothing", "truth", "far"],
)
def test_a_place_where_nothing_can_lie_is_refused(shared: Memory, place: object) -> None:
    with pytest.raises(NoMessage):
        received(reader(forged(["answer", "float32", [NUMBERS], place])), shared)


def test_without_shared_memory_there_is_no_place(shared: Memory) -> None:
    message = forged(["answer", "float32", [4], 0])
    assert received(reader(message), shared)[1]["answer"].shape == (4,)
    with pytest.raises(NoMessage):
        received(reader(message))


def test_task_gradients_that_are_too_large_are_refused(shared: Memory) -> None:
    with pytest.raises(ValueError, match="numbers of"):
        shared.gradients((2, NUMBERS), torch.float32)
