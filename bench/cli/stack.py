"""The training stack: torch, transformers, trl and what they need. The commands that train name what is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from bench.errors import UserError


@contextmanager
def training_stack() -> Iterator[None]:
    """Import what trains in the block. UserError if a package of it is not installed."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise UserError(f"training needs {error.name}, which is not installed. Run `make install`.") from None
