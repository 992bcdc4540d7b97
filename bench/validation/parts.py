"""Many files, shared out over processes: a record is judged by itself, rules between records come after."""

import os
import sys
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
MANY = 150
"""Files from which a further process is worth its start."""
WORK: list[Callable[[Sequence[Path]], Any]] = []
"""What forked processes do: they have it from this one, with all that it rests on."""


def in_parts(paths: Sequence[Path], work: Callable[[Sequence[Path]], T], ready: Callable[[], None]) -> list[T]:
    """What the work makes of each part of the paths, in their order; what it raises anywhere is raised here.

    ready: called first where there are several parts, for what all of them would find out. All is done here where a
    fork is not safe: beside other threads, which torch may have started.
    """
    safe = hasattr(os, "sched_getaffinity") and threading.active_count() == 1 and "torch" not in sys.modules
    count = min(len(os.sched_getaffinity(0)), len(paths) // MANY) if safe else 1
    if count < 2:
        return [work(paths)]

    ready()
    size = -(-len(paths) // count)
    first, *others = (paths[begin : begin + size] for begin in range(0, len(paths), size))
    WORK.append(work)
    try:
        with ProcessPoolExecutor(len(others), mp_context=get_context("fork")) as pool:
            elsewhere = [pool.submit(_part, part) for part in others]
            return [work(first), *(found.result() for found in elsewhere)]
    finally:
        WORK.clear()


def _part(paths: Sequence[Path]) -> Any:
    return WORK[0](paths)
