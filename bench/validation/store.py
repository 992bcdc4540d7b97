"""A store as a tree of files: records, withdrawals, and nothing else; what history has is still there."""

import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench.records import claims
from bench.records.rules import FILE, Problem
from bench.records.rules.text import SEED
from bench.records.store import WITHDRAWN
from bench.records.withdrawal import SECOND
from bench.validation.history import History

PLACE = "A store has <suite>/<method>/<seed>.json and withdrawals beside them. Remove it."
HIDDEN = "."
OWN = frozenset({claims.FOLDER, ".checkpoints", ".logs"})
"""Hidden folders that the harness keeps in a store, and git does not."""
DEEPEST = 8
"""Folders below each other that are looked into; records lie three or four deep."""
CUT_OFF = re.compile(r"[.](0|[1-9][0-9]*)[.]json[.]\w+")
"""A temporary file of `bench.records.store.write`."""
RESTORE = "Restore it with git; to take a run out of the tables, put a withdrawal beside it."


def walk(root: Path) -> Iterator[Path]:
    """Every file, link and folder without records below a folder; hidden entries of its top are left out."""
    for entry in sorted(os.scandir(root), key=lambda entry: entry.name):
        if not entry.name.startswith(HIDDEN):
            yield from _entry(entry, 1)


def _entry(entry: os.DirEntry[str], depth: int) -> Iterator[Path]:
    """A file or link, or all that a folder holds; the folder itself if it is empty, too deep or cannot be read."""
    if not entry.is_dir(follow_symlinks=False):
        yield Path(entry.path)
        return

    try:
        inside = sorted(os.scandir(entry.path), key=lambda each: each.name) if depth < DEEPEST else []
    except OSError:
        inside = []

    if not inside:
        yield Path(entry.path)
    for each in inside:
        yield from _entry(each, depth + 1)


def hidden(root: Path, history: History) -> Iterator[Problem]:
    """Hidden entries of a store: the harness's own stay out of git, and there are no others."""
    for entry in sorted(root.iterdir()):
        if not entry.name.startswith(HIDDEN):
            continue
        if entry.name not in OWN or entry.is_symlink() or not entry.is_dir():
            yield Problem(entry, FILE, "is hidden, and no part of a store", PLACE)
        elif tracked := history.tracked(entry):
            yield Problem(tracked[0], FILE, f"is committed, and {entry.name} is this machine's own", "Take it out.")


def is_record(path: Path) -> bool:
    """Whether a file's name is that of a record."""
    return path.suffix == ".json" and SEED.fullmatch(path.stem) is not None


def misplaced(root: Path, files: Sequence[Path]) -> Iterator[Problem]:
    """Entries that are neither record nor withdrawal, and names that only capitals tell apart."""
    known: dict[str, Path] = {}

    for path in files:
        place = path.relative_to(root)
        if problem := _stranger(path, len(place.parts)):
            yield problem
        for part in (place, *place.parents):
            other = known.setdefault(str(part).casefold(), part)
            if other != part:
                said = f"{str(part)!r} differs from {str(other)!r} by capitals alone; on some systems they are one"
                yield Problem(path, FILE, said, "Choose another name.")
                break


def _stranger(path: Path, depth: int) -> Problem | None:
    """What is wrong with an entry by its name and kind; a record's own kind is looked at when it is read."""
    if CUT_OFF.fullmatch(path.name):
        return Problem(path, FILE, "was left by a write that was cut off, or is being written", "Remove it.", "warning")
    stem = path.name.removesuffix(WITHDRAWN).removesuffix(SECOND) if path.name.endswith(WITHDRAWN) else path.stem
    if path.suffix == ".json" and SEED.fullmatch(stem) and depth in (3, 4):
        return None
    what = (
        "is a link"
        if path.is_symlink()
        else "is a folder without a record"
        if path.is_dir()
        else "is not named as a record"
    )
    return Problem(path, FILE, what, PLACE)


def withdrawals_without_record(files: Sequence[Path]) -> Iterator[Problem]:
    """A withdrawal lies beside the record that it withdraws."""
    there = set(files)
    for path in files:
        if not path.name.endswith(WITHDRAWN):
            continue

        stem = path.name.removesuffix(WITHDRAWN)
        if path.with_name(f"{stem.removesuffix(SECOND)}.json") not in there:
            yield Problem(path, FILE, "withdraws a record that is not there", "Restore the record; it stays.")
        elif stem.endswith(SECOND) and path.with_name(f"{stem.removesuffix(SECOND)}{WITHDRAWN}") not in there:
            yield Problem(path, FILE, "seconds a withdrawal that is not there", "Add the withdrawal, or remove this.")


def append_only(root: Path, history: History) -> Iterator[Problem]:
    """What history has below the store is there, byte for byte."""
    for path in sorted(history.below(root)):
        if path.is_symlink() or not path.is_file():
            yield Problem(path, FILE, f"is in {history.commit[:12]}, and is gone: results are append-only", RESTORE)
        elif not history.has(path):
            yield Problem(path, FILE, f"differs from {history.commit[:12]}: results are append-only", RESTORE)
