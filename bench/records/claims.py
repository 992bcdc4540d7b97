"""Claims of runs: one lock a run, held by the process that runs it and released by the kernel when that ends.

A lock is a file below `<store>/.claims/`, locked with flock(2). The file alone means nothing, so what a killed
process leaves there is harmless. On a network file system the locks of two machines see each other only if the
file system carries flock, as NFS 4 does.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from bench.errors import UserError
from bench.records.schema import MAX_BYTES

FOLDER = ".claims"
PATIENCE = 0.2
"""Seconds until a lock counts as held: `claimed` holds it for an instant, too."""
PAUSE = 0.01

Purpose = Literal["run", "sweep"]
"""run: the process that trains holds it. sweep: the sweep that started it does, so that two sweeps share their work."""

_held: set[int] = set()
"""Open locks of this process."""


@contextmanager
def claim(path: Path, store: Path, purpose: Purpose = "run") -> Iterator[bool]:
    """Whether this process, and no other, may run what is recorded in `path`, as long as the block lasts.

    path: the record's, below `store`, whether it exists or not. UserError if the store cannot be written to.
    """
    file = lock_file(path, store, purpose)

    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = _take(file)
        if handle is not None and purpose == "run":
            _check_room(file, handle)
    except OSError as error:
        raise UserError(
            f"cannot claim the run {path} with a lock in {file.parent}: {error.strerror}. A run needs a store that "
            "it can write to; free space or choose another with store=DIR."
        ) from None

    try:
        yield handle is not None
    finally:
        if handle is not None:
            _give_back(file, handle)


def _check_room(file: Path, handle: int) -> None:
    """OSError, and the lock is given back, unless the store has room for a record: before training, not after it."""
    try:
        left = memoryview(bytes(MAX_BYTES))
        while left:  # a disk that is nearly full takes a part
            left = left[os.write(handle, left) :]
        os.fsync(handle)
        os.ftruncate(handle, 0)
    except OSError:
        _give_back(file, handle)
        raise


def claimed(path: Path, store: Path, purpose: Purpose | None = None) -> bool:
    """Whether a process claims that run, this one included; purpose: only for that, else for any.

    A store that cannot be read has no claims.
    """
    purposes: tuple[Purpose, ...] = (purpose,) if purpose else ("run", "sweep")
    return any(_is_locked(lock_file(path, store, each)) for each in purposes)


def lock_file(path: Path, store: Path, purpose: Purpose = "run") -> Path:
    """The lock of `<store>/<suite>/<method>/<seed>.json`, which is `<store>/.claims/<suite>/<method>/<seed>.lock`."""
    ending = ".lock" if purpose == "run" else f".{purpose}.lock"
    return store / FOLDER / path.relative_to(store).with_suffix(ending)


def _take(file: Path) -> int | None:
    """The locked file's descriptor, or None if another process has it."""
    # `claimed` locks the file for an instant to look at it: only a lock that lasts is somebody's run.
    until = time.monotonic() + PATIENCE

    while True:
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if _locked_here(handle, file):
            _held.add(handle)
            return handle
        os.close(handle)
        if time.monotonic() > until:
            return None
        time.sleep(PAUSE)


def _locked_here(handle: int, file: Path) -> bool:
    """Lock the file. False if it is locked, or was taken away by its holder before we had the lock."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(handle), file.stat())
    except (BlockingIOError, FileNotFoundError):
        return False
    except OSError:
        os.close(handle)
        raise


def _give_back(file: Path, handle: int) -> None:
    """Take the file away while it is locked, then let go."""
    with suppress(OSError):
        file.unlink(missing_ok=True)
    _held.discard(handle)
    os.close(handle)


def _is_locked(file: Path) -> bool:
    try:
        handle = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False

    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks has no claims
        return False
    finally:
        os.close(handle)

    return False


def _forget() -> None:
    """Close the parent's locks in a forked child: it must not keep those of a parent that dies."""
    for handle in _held:
        os.close(handle)
    _held.clear()


os.register_at_fork(after_in_child=_forget)
