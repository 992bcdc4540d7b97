"""Values as bytes between the jail's processes: what crosses, what is refused, and that nothing else happens."""

import math
import os
import random
import struct
import time
from collections import Counter, OrderedDict, defaultdict, deque
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any, NamedTuple

import pytest

from tasks._jail.wire import DEPTH, HASHED, MESSAGE, WireError, decode, encode, receive, send


class Pair(NamedTuple):
    a: int
    b: int


class Colour(IntEnum):
    RED = 1


class Always(int):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


class Shout(str):
    __slots__ = ()

    def __str__(self) -> str:
        return "no"


PLAIN = [
    None, True, False, 0, -1, 127, 128, -128, -129, 2**64, -(10**300), 0.0, -0.5, math.inf, "", "é", "\ud800",
    b"\0\xff", [], [[1], []], (), (1,), {}, {"a": None}, set(), {1, (2, 3)}, frozenset({2}),
]  # fmt: skip
RICH = [
    2j, bytearray(b"a"), deque([1]), Counter("aab"), OrderedDict(b=1, a=2), Decimal("-0.10"), Decimal("NaN"),
    Fraction(-1, 3), datetime(2020, 1, 2, tzinfo=UTC), date(1, 1, 1), clock(1, 2), timedelta(-1, 5), range(1, 9, 2),
    int, type(None),
]  # fmt: skip


@pytest.mark.parametrize("value", PLAIN + RICH, ids=ascii)
def test_values_come_back_as_they_were(value: Any) -> None:
    back = decode(encode(value))
    assert type(back) is type(value)
    assert repr(back) == repr(value)


@pytest.mark.parametrize("value", PLAIN, ids=ascii)
def test_plain_values_cross_to_the_trainer(value: Any) -> None:
    assert decode(encode(value), plain=True) == value


@pytest.mark.parametrize("value", RICH, ids=ascii)
def test_no_other_value_crosses_to_the_trainer(value: Any) -> None:
    with pytest.raises(WireError, match="not plain"):
        decode(encode(value), plain=True)


@pytest.mark.parametrize(
    ("value", "reduced"),
    [(Pair(1, 2), (1, 2)), (Colour.RED, 1), (Always(5), 5), (Shout("yes"), "yes"), (math.nan, math.nan)],
)
def test_subclasses_are_reduced_to_what_they_are_built_on(value: Any, reduced: Any) -> None:
    back = decode(encode(value))
    assert type(back) is type(reduced)
    assert repr(back) == repr(reduced)


def test_a_default_dictionary_loses_its_factory() -> None:
    back = decode(encode(defaultdict(list, a=[1])))
    assert back == {"a": [1]}
    with pytest.raises(KeyError):
        back["b"]


def test_objects_cross_as_references_where_both_sides_agree() -> None:
    class Thing: ...

    thing = Thing()
    data = encode([1, thing], lambda value: 7 if value is thing else "name")
    assert decode(data, lambda key: {7: "found"}[key]) == [1, "found"]
    for refused in (lambda: encode(thing), lambda: decode(data), lambda: encode(len), lambda: encode(Thing)):
        with pytest.raises(WireError):
            refused()


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


def cycle() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    "value",
    [nested(DEPTH + 2), nested(100_000), cycle(), "a" * (MESSAGE + 1), 1 << (8 * MESSAGE + 8), [0] * MESSAGE],
    ids=["deep", "very deep", "cycle", "long text", "large number", "long list"],
)
def test_what_is_too_large_or_too_deep_is_not_written(value: Any) -> None:
    with pytest.raises(WireError):
        encode(value)


def chunk(tag: bytes, data: bytes) -> bytes:
    return tag + struct.pack("<I", len(data)) + data


def many(tag: bytes, *parts: bytes) -> bytes:
    return tag + struct.pack("<I", len(parts)) + b"".join(parts)


ONE = chunk(b"i", b"\x01")
MALFORMED = {
    "nothing": b"",
    "an unknown tag": b"x",
    "cut short": chunk(b"s", b"abc")[:-1],
    "more than a value": ONE + b"N",
    "a count beyond the message": b"l\xff\xff\xff\xff",
    "a length beyond the message": b"s\xff\xff\xff\xffa",
    "text that is none": chunk(b"s", b"\xff"),
    "an unhashable key": many(b"d", many(b"l"), ONE),
    "an unhashable member": many(b"S", many(b"l")),
    "half a pair": many(b"d", ONE),
    "a number that is none": chunk(b"g", b"one"),
    "a day that is none": chunk(b"a", b"2020-13-01"),
    "a type that is none": chunk(b"y", b"eval"),
    "a fraction over nothing": many(b"r", ONE, chunk(b"i", b"")),
    "a fraction of text": many(b"r", chunk(b"s", b"1e999999999")),
    "a range without a step": many(b"R", ONE, ONE, chunk(b"i", b"")),
    "a complex number of text": many(b"c", chunk(b"s", b"1j")),
    "a span of numbers": many(b"k", *[chunk(b"i", b"\xff" * 20 + b"\x00")] * 3),
    "a reference to text": b"o" + chunk(b"b", b"a"),
    "a reference in a reference": b"oo" + ONE,
    "a count of no pairs": many(b"C", ONE),
    "deep": b"l\x01\0\0\0" * (DEPTH + 2) + b"N",
    "very deep": b"l\x01\0\0\0" * 100_000 + b"N",
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_message_is_told_as_one_error(name: str) -> None:
    with pytest.raises(WireError):
        decode(MALFORMED[name], lambda key: key)


def test_changed_messages_never_raise_anything_else() -> None:
    rng = random.Random(0)
    whole = encode(PLAIN + RICH)
    for _ in range(3000):
        data = bytearray(whole[rng.randrange(len(whole)) :] if rng.random() < 0.5 else whole)
        for _ in range(rng.randint(1, 6)):
            data[rng.randrange(len(data))] = rng.choice((rng.randrange(256), *b"NTFifsbltdSZqCDOgeahyrkRco"))
        try:
            decode(bytes(data), lambda key: key)
        except WireError:
            continue


def test_keys_that_collide_cost_the_trainer_nothing() -> None:
    """Multiples of 2^61 - 1 all hash to 0: a hundred thousand of them would take minutes."""
    keys = encode([number * (2**61 - 1) for number in range(100_000)])
    begin = time.monotonic()
    with pytest.raises(WireError, match="too many keys"):
        decode(b"S" + keys[1:], plain=True)
    assert len(decode(encode({number * (2**61 - 1) for number in range(HASHED)}), plain=True)) == HASHED
    assert time.monotonic() - begin < 2


def test_messages_are_framed() -> None:
    near, far = os.pipe()
    send(far, b"one")
    send(far, b"")
    os.write(far, b"\xff\xff\xff\xff")
    assert receive(near) == b"one"
    assert receive(near) == b""
    with pytest.raises(WireError):
        receive(near)
    os.close(far)
    with pytest.raises(EOFError):
        receive(near)
    os.close(near)
