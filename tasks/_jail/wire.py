"""Values between the jail's processes: tagged bytes for plain Python values, and nothing else.

A decoder builds exact builtins (and a few standard containers and numbers), never calls what it was sent,
and refuses what is too large, too deep or malformed. Subclasses are written as the builtin below them, so a
patched `__eq__` stays where it was made. What has no plain form crosses as a number, a handle.

Standard library only: this file is loaded by the jail's own interpreter.
"""

import os
import struct
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from typing import Any

MESSAGE = 4 * 2**20
"""Bytes of one message."""
DEPTH = 100
"""Levels of nesting."""
HASHED = 1000
"""Members of sets and keys of dictionaries in a plain message. Such a message is read by a process without a
time limit, and keys can be chosen to collide, which makes building a table quadratic."""
PLAIN = b"NTFifsbltdSZ"
"""Tags of a plain message."""

LENGTH = struct.Struct("<I")
FLOAT = struct.Struct("<d")
TYPES = {
    kind.__name__: kind
    for kind in (int, float, complex, str, bytes, bool, list, tuple, dict, set, frozenset, type(None), object)
}
SEQUENCES: dict[bytes, Callable[[Iterable[Any]], Any]] = {b"l": list, b"t": tuple, b"q": deque}
SETS: dict[bytes, Callable[[Iterable[Any]], Any]] = {b"S": set, b"Z": frozenset}
TABLES: dict[bytes, Callable[[Iterable[Any]], Any]] = {
    b"d": dict,
    b"C": lambda pairs: Counter(dict(pairs)),
    b"D": lambda pairs: defaultdict(None, pairs),
    b"O": OrderedDict,
}
TEXTS: dict[bytes, Callable[[str], Any]] = {
    b"s": str,
    b"g": Decimal,
    b"e": datetime.fromisoformat,
    b"a": date.fromisoformat,
    b"h": time.fromisoformat,
    b"y": TYPES.__getitem__,
}
TUPLES: dict[bytes, tuple[Callable[..., Any], type]] = {
    b"r": (Fraction, int),
    b"k": (timedelta, int),
    b"R": (range, int),
    b"c": (complex, float),
}


class WireError(Exception):
    """A message that cannot be sent, or is none."""


Refer = Callable[[Any], int | str]
"""Gives the number or the name under which an object without a plain form crosses. Raises WireError."""
Resolve = Callable[[int | str], Any]
"""The object for a number or name that was received."""


def refuse(_: Any) -> Any:
    """Neither objects nor references cross here."""
    raise WireError("no plain value")


# --- writing ---


def encode(value: Any, refer: Refer = refuse) -> bytes:
    """The bytes of a value. WireError if it is too large, too deep, or `refer` refuses a part."""
    out = bytearray()
    _write(out, value, refer, DEPTH)
    return bytes(out)


def _write(out: bytearray, value: Any, refer: Refer, depth: int) -> None:
    if depth < 0 or len(out) > MESSAGE:
        raise WireError("too large or too deep")
    kind = type(value)
    writer = WRITERS.get(kind) or next((WRITERS[base] for base in kind.__mro__ if base in WRITERS), None)
    if writer is None:
        out += b"o"
        _write(out, refer(value), refuse, 1)
    else:
        writer(out, value, refer, depth - 1)


def _bytes(out: bytearray, tag: bytes, data: bytes) -> None:
    if len(data) > MESSAGE:
        raise WireError("too large")
    out += tag + LENGTH.pack(len(data)) + data


def _int(out: bytearray, value: int, *_: Any) -> None:
    _bytes(out, b"i", int.to_bytes(value, int.bit_length(value) // 8 + 1, "little", signed=True))


def _float(out: bytearray, value: float, *_: Any) -> None:
    out += b"f" + FLOAT.pack(value)


def _constant(tag: bytes) -> Callable[..., None]:
    def write(out: bytearray, *_: Any) -> None:
        out.extend(tag)

    return write


def _text(tag: bytes, text: Callable[[Any], str]) -> Callable[..., None]:
    def write(out: bytearray, value: Any, *_: Any) -> None:
        _bytes(out, tag, str.encode(text(value), "utf-8", "surrogatepass"))

    return write


def _type(out: bytearray, value: type, refer: Refer, _: int) -> None:
    """A builtin type by its name, any other as a reference."""
    if value in TYPES.values():
        _bytes(out, b"y", value.__name__.encode())
    else:
        out += b"o"
        _write(out, refer(value), refuse, 1)


def _many(tag: bytes, parts: Callable[[Any], Iterable[Any]]) -> Callable[..., None]:
    """A tag, the number of parts, the parts."""

    def write(out: bytearray, value: Any, refer: Refer, depth: int) -> None:
        members = list(parts(value))
        out.extend(tag + LENGTH.pack(len(members)))
        for member in members:
            _write(out, member, refer, depth)

    return write


def _pairs(table: dict[Any, Any]) -> Iterator[Any]:
    for key, value in dict.items(table):
        yield key
        yield value


WRITERS: dict[type, Callable[..., None]] = {
    type(None): _constant(b"N"),
    bool: lambda out, value, *_: out.extend(b"T" if value else b"F"),
    int: _int,
    float: _float,
    complex: _many(b"c", lambda value: (value.real, value.imag)),
    str: _text(b"s", str.__str__),
    bytes: lambda out, value, *_: _bytes(out, b"b", bytes(value)),
    bytearray: lambda out, value, *_: _bytes(out, b"B", bytes(value)),
    list: _many(b"l", list.__iter__),
    tuple: _many(b"t", tuple.__iter__),
    deque: _many(b"q", deque.__iter__),
    set: _many(b"S", set.__iter__),
    frozenset: _many(b"Z", frozenset.__iter__),
    Counter: _many(b"C", _pairs),
    defaultdict: _many(b"D", _pairs),
    OrderedDict: _many(b"O", _pairs),
    dict: _many(b"d", _pairs),
    Decimal: _text(b"g", Decimal.__str__),
    Fraction: _many(b"r", lambda value: (value.numerator, value.denominator)),
    datetime: _text(b"e", datetime.isoformat),
    date: _text(b"a", date.isoformat),
    time: _text(b"h", time.isoformat),
    timedelta: _many(b"k", lambda value: (value.days, value.seconds, value.microseconds)),
    range: _many(b"R", lambda value: (value.start, value.stop, value.step)),
    type: _type,
}

# --- reading ---


def decode(data: bytes, resolve: Resolve = refuse, plain: bool = False) -> Any:
    """The value of a message's bytes. WireError if they are none.

    plain: accept only values whose building and comparing takes time linear in the message.
    """
    reader = _Reader(data, resolve, plain)
    try:
        value = reader.value(DEPTH)
    except (ValueError, TypeError, KeyError, OverflowError, struct.error, InvalidOperation, ArithmeticError) as error:
        raise WireError(f"malformed: {type(error).__name__}") from None
    if reader.place != len(data):
        raise WireError("bytes beyond the value")
    return value


class _Reader:
    """One pass over a message."""

    def __init__(self, data: bytes, resolve: Resolve, plain: bool) -> None:
        self.data, self.resolve, self.plain = data, resolve, plain
        self.hashed = HASHED if plain else len(data)
        self.place = 0

    def take(self, count: int) -> bytes:
        part = self.data[self.place : self.place + count]
        if len(part) != count:
            raise WireError("cut short")
        self.place += count
        return part

    def chunk(self) -> bytes:
        return self.take(LENGTH.unpack(self.take(4))[0])

    def many(self, depth: int, each: int = 1) -> list[Any]:
        count = LENGTH.unpack(self.take(4))[0]
        if count > len(self.data) - self.place or count % each:
            raise WireError("cut short")
        return [self.value(depth - 1) for _ in range(count)]

    def members(self, depth: int, each: int = 1) -> list[Any]:
        """Parts that will be hashed; `each` is 2 for keys with values."""
        parts = self.many(depth, each)
        self.hashed -= len(parts) // each
        if self.hashed < 0:
            raise WireError("too many keys")
        return parts

    def value(self, depth: int) -> Any:
        if depth < 0:
            raise WireError("too deep")

        tag = self.take(1)
        if self.plain and tag not in PLAIN:
            raise WireError("not plain")

        if tag in SEQUENCES:
            return SEQUENCES[tag](self.many(depth))
        if tag in SETS:
            return SETS[tag](self.members(depth))
        if tag in TABLES:
            parts = self.members(depth, 2)
            return TABLES[tag](zip(parts[::2], parts[1::2], strict=True))
        if tag in TEXTS:
            return TEXTS[tag](self.chunk().decode("utf-8", "surrogatepass"))
        if tag in TUPLES:
            return self.parts(*TUPLES[tag], depth)

        return self.single(tag)

    def parts(self, build: Callable[..., Any], kind: type, depth: int) -> Any:
        """What is built from parts of one type; others could stand for a long computation."""
        parts = self.many(depth)
        if any(type(part) is not kind for part in parts):
            raise WireError("a part of another type")
        return build(*parts)

    def single(self, tag: bytes) -> Any:
        if tag in b"NTF":
            return {b"N": None, b"T": True, b"F": False}[tag]

        if tag == b"i":
            return int.from_bytes(self.chunk(), "little", signed=True)
        if tag == b"f":
            return FLOAT.unpack(self.take(8))[0]
        if tag in b"bB":
            return bytes(self.chunk()) if tag == b"b" else bytearray(self.chunk())
        if tag == b"o":
            return self.reference()

        raise WireError("unknown tag")

    def reference(self) -> Any:
        if self.data[self.place : self.place + 1] not in (b"i", b"s"):
            raise WireError("no reference")
        return self.resolve(self.value(1))


# --- moving ---


def send(channel: int, data: bytes) -> None:
    """Write one message to a descriptor. OSError if nobody reads."""
    rest = memoryview(LENGTH.pack(len(data)) + data)
    while rest:
        rest = rest[os.write(channel, rest) :]


def receive(channel: int) -> bytes:
    """Read one message from a descriptor. WireError if it is too large, EOFError if there is none."""
    length = LENGTH.unpack(_exactly(channel, 4))[0]
    if length > 2 * MESSAGE:
        raise WireError("too large")
    return _exactly(channel, length)


def _exactly(channel: int, count: int) -> bytes:
    parts = bytearray()
    while len(parts) < count:
        part = os.read(channel, min(count - len(parts), 2**20))
        if not part:
            raise EOFError
        parts += part
    return bytes(parts)
