"""What a raw row of a published data set must look like, and where one does not.

A shape is written as data: a type; `[shape]` for a list of such; `{"field": shape}` for a mapping that has at
least these fields; a tuple for alternatives; a frozenset for the values allowed. `float` takes whole numbers too.
"""

from collections.abc import Mapping
from typing import Any, TypeAlias

Shape: TypeAlias = Any
"""type | [Shape] | {str: Shape} | (Shape, ...) | frozenset[...]; mypy has no recursive alias over list displays."""
SHOWN = 60
"""Characters of an unfit value that a message shows."""
WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false", type(None): "nothing"}


class OffSchema(Exception):
    """A raw row that is not of the published form: which field, what was expected, what was found."""

    def __init__(self, field: str, expected: str, found: object) -> None:
        super().__init__(f"field {field!r} should be {expected}, but is {shown(found)}")


def check(value: Any, shape: Shape, field: str = "") -> None:
    """Raise OffSchema at the first place where `value` is not of `shape`; field: the name of the place so far."""
    if isinstance(shape, Mapping) and isinstance(value, Mapping):
        for name, inner in shape.items():
            if name not in value:
                raise OffSchema(_inside(field, name), words(inner), Missing())
            check(value[name], inner, _inside(field, name))

    elif isinstance(shape, list) and isinstance(value, list):
        for place, item in enumerate(value):
            check(item, shape[0], f"{field}[{place}]")

    # mappings and lists were taken apart above; what is left fits as a whole or not at all
    elif not _fits(value, shape):
        raise OffSchema(field or "(row)", words(shape), value)


def _fits(value: Any, shape: Shape) -> bool:
    if isinstance(shape, tuple):
        return any(_matches(value, one) for one in shape)
    if isinstance(shape, frozenset):
        return isinstance(value, (str, int, float)) and value in shape
    if shape is bool or isinstance(value, bool):  # Python counts True as a whole number
        return shape is bool and isinstance(value, bool)
    return isinstance(shape, type) and isinstance(value, (int, float) if shape is float else shape)


def _matches(value: Any, shape: Shape) -> bool:
    try:
        check(value, shape)
    except OffSchema:
        return False
    return True


def words(shape: Shape) -> str:
    """A shape in words."""
    if isinstance(shape, tuple):
        return " or ".join(words(one) for one in shape)
    if isinstance(shape, frozenset):
        return "one of " + ", ".join(sorted(map(repr, shape)))

    if isinstance(shape, list):
        return f"a list of {words(shape[0])}"
    if isinstance(shape, Mapping):
        return f"an object with {', '.join(map(repr, shape))}"

    return WORDS[shape] if shape in WORDS else str(shape.__name__)


class Missing:
    """Stands for a field that a row does not have."""

    def __repr__(self) -> str:
        return "missing"


def shown(value: object) -> str:
    """A value in a message, cut to SHOWN characters."""
    text = ascii(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _inside(field: str, name: str) -> str:
    return f"{field}.{name}" if field else name
