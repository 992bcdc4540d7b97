"""Values as JSON and tensors, and back: what a checkpoint holds, without a pickle.

A value is None, a truth value, a number, text, a tensor, an array, a dtype or a device, and lists, tuples,
dictionaries, dataclasses and torch modules of such. A class is looked up among those that are loaded; none of its
code is run.
"""

import sys
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

PLAIN = (type(None), bool, int, float, str)
SMALL = 64
"""Elements of a tensor up to which it is a list in the JSON: a method's signals are many tensors of K numbers."""
BOOKKEEPING = frozenset(vars(torch.nn.Module()))
"""Attributes of every module: its parts and buffers are visited by name, hooks are code."""


class Unsaveable(Exception):
    """A value that is none of these; the message says which class."""


class Tensors(dict[str, Tensor]):
    """Tensors by name, each with a storage of its own, as the file format asks."""

    def __init__(self) -> None:
        super().__init__()
        self._storages: set[int] = set()

    def add(self, tensor: Tensor) -> str:
        """Keep a tensor; its name."""
        whole = tensor.untyped_storage().nbytes() == tensor.nbytes and tensor.is_contiguous()
        if not whole or tensor.data_ptr() in self._storages:
            tensor = tensor.clone(memory_format=torch.contiguous_format)

        self._storages.add(tensor.data_ptr())
        self[name := str(len(self))] = tensor
        return name


@dataclass(frozen=True)
class ModuleState:
    """What a module held, to be poured into a fresh one: code cannot be rebuilt from a file."""

    kind: str
    values: dict[str, Any]


def flatten(value: Any, tensors: Tensors) -> Any:
    """The value as JSON; its tensors are added to `tensors` and named in it. Unsaveable."""
    if type(value) in PLAIN:
        return value
    if isinstance(value, list):
        return [flatten(each, tensors) for each in value]
    if isinstance(value, tuple):
        return {"tuple": [flatten(each, tensors) for each in value]}
    if isinstance(value, dict):
        return {"dict": [[flatten(key, tensors), flatten(each, tensors)] for key, each in value.items()]}

    if isinstance(value, Tensor):
        return _tensor(value.detach(), tensors)
    if isinstance(value, np.ndarray) and value.dtype.kind in "biuf":
        return {"array": [value.dtype.str, flatten(value.tolist(), tensors)]}
    if isinstance(value, torch.dtype | torch.device):
        return {type(value).__name__: str(value).removeprefix("torch.")}

    # of what is left, the class is named and only its values are kept
    if isinstance(value, torch.nn.Module):
        return {"module": [type(value).__qualname__, flatten(_module_values(value), tensors)]}
    if is_dataclass(value) and not isinstance(value, type):
        held = {field.name: getattr(value, field.name) for field in fields(value)}
        return {"data": [type(value).__module__, type(value).__qualname__, flatten(held, tensors)]}

    raise Unsaveable(f"{type(value).__module__}.{type(value).__qualname__}")


def rebuild(tree: Any, tensors: Mapping[str, Tensor]) -> Any:
    """The value that `flatten` made this of. ValueError, TypeError or LookupError if it did not."""
    if type(tree) in PLAIN:
        return tree
    if isinstance(tree, list):
        return [rebuild(each, tensors) for each in tree]

    ((kind, held),) = tree.items()
    if kind == "tuple":
        return tuple(rebuild(each, tensors) for each in held)
    if kind == "dict":
        return {rebuild(key, tensors): rebuild(each, tensors) for key, each in held}

    if kind == "tensor":
        return tensors[held[0]].to(held[1], copy=True)
    if kind == "small":
        return torch.tensor(held[2], dtype=_dtype(held[0])).reshape(held[1])
    if kind == "array":
        return np.array(held[1], dtype=np.dtype(held[0]))
    if kind == "dtype":
        return _dtype(held)
    if kind == "device":
        return torch.device(held)

    if kind == "module":
        return ModuleState(held[0], rebuild(held[1], tensors))
    if kind == "data":
        return _data(held[0], held[1], rebuild(held[2], tensors))

    raise ValueError(f"{kind} is no kind of value")


def poured(fresh: Mapping[str, Any], saved: Mapping[str, Any]) -> dict[str, Any]:
    """A saved state in which modules are those of the fresh state, with what the saved ones held.

    ValueError if one is of another class.
    """
    return {
        name: _filled(deepcopy(fresh[name]), each) if isinstance(each, ModuleState) else each
        for name, each in saved.items()
    }


def _module_values(module: torch.nn.Module) -> dict[str, Any]:
    own = {name: each for name, each in vars(module).items() if name not in BOOKKEEPING and not callable(each)}
    return {**own, **module._buffers, **dict(module.named_parameters(recurse=False)), **dict(module.named_children())}


def _filled(module: Any, state: ModuleState) -> Any:
    if type(module).__qualname__ != state.kind:
        raise ValueError(f"{type(module).__qualname__} is no {state.kind}")

    # in place where the module has a tensor or a part already, because others hold it as well
    for name, each in state.values.items():
        if isinstance(each, ModuleState):
            _filled(getattr(module, name), each)
        elif name in module._parameters:
            getattr(module, name).data.copy_(each)
        else:
            setattr(module, name, each)

    return module


def _tensor(tensor: Tensor, tensors: Tensors) -> Any:
    if tensor.numel() > SMALL or tensor.device.type != "cpu":
        return {"tensor": [tensors.add(tensor), str(tensor.device)]}
    return {"small": [str(tensor.dtype).removeprefix("torch."), list(tensor.shape), tensor.flatten().tolist()]}


def _dtype(name: str) -> torch.dtype:
    found = getattr(torch, name)
    if not isinstance(found, torch.dtype):
        raise ValueError(f"{name} is no dtype")
    return found


def _data(module: str, name: str, values: dict[str, Any]) -> Any:
    kind: Any = sys.modules[module]
    for part in name.split("."):
        kind = vars(kind)[part]

    if not (isinstance(kind, type) and is_dataclass(kind)) or {field.name for field in fields(kind)} != set(values):
        raise ValueError(f"{module}.{name} has other fields")

    # neither `__init__` nor a frozen class's `__setattr__` runs
    made = object.__new__(kind)
    for field, value in values.items():
        object.__setattr__(made, field, value)

    return made
