"""Files read without trust: a record is a regular file, of a record's size, whose bytes are the canonical ones."""

import re
import stat
from collections.abc import Iterator
from pathlib import Path

from bench.errors import UserError
from bench.records import store
from bench.records.rules.case import FILE, RERUN, Problem
from bench.records.schema import OPTIONAL_CURVES, Record

SEED = re.compile(r"0|[1-9][0-9]{0,17}")
"""What names a file of a record."""


def read(path: Path) -> tuple[Record | None, list[Problem]]:
    """The record in a file, and what is wrong with the file; None if there is no telling what it holds."""
    if problem := irregular(path):
        return None, [problem]
    try:
        record = store.read(path)
    except UserError as error:
        return None, [unreadable(path, str(error))]
    return record, list(not_canonical(path, record))


def irregular(path: Path) -> Problem | None:
    """A link, a pipe, or nothing at all where a record should be: reading it could lead elsewhere, or never end."""
    try:
        mode = path.lstat().st_mode
    except OSError as error:
        return Problem(path, FILE, f"cannot be read: {error.strerror}", "Restore it.")
    except ValueError:
        return Problem(path, FILE, "has a name that no file can have", "Remove it.")
    if stat.S_ISLNK(mode):
        return Problem(path, FILE, "is a link", "Put the record itself here.")
    return None if stat.S_ISREG(mode) else Problem(path, FILE, "is not a regular file", "Remove it.")


def unreadable(path: Path, message: str) -> Problem:
    """The error of a reader, which names the file first, and a field if it came so far."""
    remedy = store.DAMAGED if message.endswith(store.DAMAGED) else RERUN
    reason = message.removesuffix(store.DAMAGED).replace(str(path), "", 1).strip(": .")
    if named := re.match(r"field (\S+): (.*)", reason, re.DOTALL):
        return Problem(path, named[1], named[2], remedy)
    return Problem(path, "schema_version" if reason.startswith("schema_version") else FILE, reason, remedy)


def not_canonical(path: Path, record: Record) -> Iterator[Problem]:
    """Two files never hold one record in two ways: order, spaces and spelling of numbers are the harness's."""
    found = path.read_bytes().splitlines(keepends=True)
    expected = canonical(record)
    if found == expected:
        return

    # The first line that differs tells the reader where to look; an empty one stands for a file that is longer.
    pairs = enumerate(zip([*found, b""], [*expected, b""], strict=False), start=1)
    line = next((number for number, (left, right) in pairs if left != right), len(found))
    named = re.match(rb'"(\w+)": ', expected[line - 1]) if line <= len(expected) else None
    reason = f"line {line} is not as the harness writes it, whatever record it spells"
    yield Problem(path, named[1].decode() if named else FILE, reason, RERUN)


def canonical(record: Record) -> list[bytes]:
    """Lines of the canonical text. A record may leave out optional parts that it does not have, as it was read."""
    result = []
    unset = set(OPTIONAL_CURVES) - record.curves.model_fields_set

    for line in store.to_text(record).encode().splitlines(keepends=True):
        # The schema writes an optional part as empty; records from before it was there do not name it at all.
        if line.startswith(b'"curves": '):
            for name in unset:
                line = line.replace(f'"{name}":[],'.encode(), b"")
        elif line.startswith(b'"method": ') and "wrapper" not in record.method.model_fields_set:
            line = line.replace(b',"wrapper":null},\n', b"},\n")
        result.append(line)

    return result
