"""The tasks, one module each below math/, code/ and qa/, and the contract that they are written against.

A task's author needs this page of names and nothing else of the package:

    from tasks import Draft, ProceduralTask, Row

A `ProceduralTask` draws its rows, a `DataTask` reads those of a published data set. Read `math/arithmetic.py` first,
then `_base.py`. Names are imported when they are first used, so that a listing stays light.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tasks._base import Domain, Draft, ProceduralTask, Row, Split, Task, data_hash, last_word
    from tasks._data import DataTask, Hub
    from tasks._schema import OffSchema, Shape

__all__ = [
    "DataTask",
    "Domain",
    "Draft",
    "Hub",
    "OffSchema",
    "ProceduralTask",
    "Row",
    "Shape",
    "Split",
    "Task",
    "data_hash",
    "last_word",
]

_ELSEWHERE = {"DataTask": "tasks._data", "Hub": "tasks._data", "OffSchema": "tasks._schema", "Shape": "tasks._schema"}


def __getattr__(name: str) -> Any:
    """A name of the contract; AttributeError for any other."""
    if name not in __all__:
        raise AttributeError(f"module 'tasks' has no attribute {name!r}; the contract is {', '.join(__all__)}")
    return getattr(importlib.import_module(_ELSEWHERE.get(name, "tasks._base")), name)
