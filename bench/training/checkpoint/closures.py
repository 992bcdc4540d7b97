"""What functions remember: outer variables of plain values and tensors, by name, taken and put back."""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any

from torch import Tensor

from bench.training.checkpoint.tree import PLAIN

Callback = Callable[[Any], Any] | None


def variables(callback: Callback) -> dict[str, Any]:
    """Names and values of the outer variables that a function uses, of those that can be saved."""
    return {name: cell.cell_contents for name, cell in _cells(callback) if _can_be_saved(cell.cell_contents)}


def put_back(callback: Callback, values: Mapping[str, Any]) -> None:
    """Make a function remember what it did when `variables` was asked."""
    for name, cell in _cells(callback):
        if name in values:
            cell.cell_contents = values[name]


def _cells(callback: Callback) -> list[tuple[str, Any]]:
    if not isinstance(callback, FunctionType):
        return []
    return list(zip(callback.__code__.co_freevars, callback.__closure__ or (), strict=True))


def _can_be_saved(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return all(_can_be_saved(each) for each in value)
    if isinstance(value, dict):
        return all(_can_be_saved(each) for pair in value.items() for each in pair)
    return type(value) in PLAIN or isinstance(value, Tensor)
