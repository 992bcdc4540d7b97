"""Published files as raw rows: JSON, JSON lines and CSV as they stand, parquet through `datasets`.

JSON and CSV are read by the standard library, because readers that infer column types change what is written:
the answer "None" becomes missing, a date becomes a time stamp, 7 becomes 7.0, a missing field becomes empty.
"""

import csv
import gzip
import io
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError


@dataclass(frozen=True, slots=True)
class Raw:
    """One row as published.

    where: file and line, or hub id and row, for messages; mirrored: in the form of the published files, which
    may differ from the hub's.
    """

    where: str
    fields: Mapping[str, Any]
    mirrored: bool


def find(folder: Path, names: Sequence[str]) -> list[Path]:
    """The files below `folder` that bear these names or patterns, or the same with `.gz`; [] if one has none."""
    found = []
    for name in names:
        matches = sorted(folder.glob(name)) or sorted(folder.glob(f"{name}.gz"))
        if not matches:
            return []
        found += matches
    return found


def read(path: Path, columns: Sequence[str] = ()) -> Iterator[Raw]:
    """The rows of a published file. columns: names for a CSV file without a header. UserError if it is not readable."""
    kind = path.name.removesuffix(".gz").rpartition(".")[2]
    if kind == "parquet":
        rows = parquet(path)
        yield from (Raw(f"{path}, row {place}", row, mirrored=False) for place, row in enumerate(rows, 1))
        return

    text = _text(path)
    if kind == "csv":
        yield from _csv(path, text, columns)
    elif text.lstrip()[:1] == "[":
        yield from _array(path, text)
    else:
        yield from _lines(path, text)


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
        return (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8-sig")
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {path}: {error}. Copy the published file again.") from None


def _lines(path: Path, text: str) -> Iterator[Raw]:
    """One JSON object a line; empty lines are skipped."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield Raw(f"{path}, line {number}", _parsed(line, f"{path}, line {number}"), mirrored=True)


def _array(path: Path, text: str) -> Iterator[Raw]:
    """One JSON array of objects."""
    for place, row in enumerate(_parsed(text, str(path)), 1):
        yield Raw(f"{path}, row {place}", row, mirrored=True)


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where} is not JSON: {error}. Copy the published file again.") from None


def _csv(path: Path, text: str, columns: Sequence[str]) -> Iterator[Raw]:
    """The rows of a CSV file; every field is text."""
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)

    try:
        names = columns or next(rows, [])

        # a quoted field may run over lines: a row is named by its first one
        line = rows.line_num + 1
        for row in rows:
            if len(row) != len(names):
                raise csv.Error(f"{len(names)} fields are expected, {len(row)} found")
            yield Raw(f"{path}, line {line}", dict(zip(names, row, strict=True)), mirrored=True)
            line = rows.line_num + 1
    except csv.Error as error:
        raise UserError(f"{path}, line {rows.line_num} is off: {error}. Copy the published file again.") from None


def parquet(path: Path) -> list[dict[str, Any]]:
    """The rows of a parquet file; nothing is left on disk."""
    import datasets

    with quiet(), tempfile.TemporaryDirectory() as cache:
        try:
            return list(datasets.Dataset.from_parquet(str(path), cache_dir=cache, keep_in_memory=True))
        except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
            raise UserError(f"cannot read {path}: {first_line(error)}. Copy the published file again.") from None


@contextmanager
def quiet() -> Iterator[None]:
    """Silence the progress bars of `datasets`."""
    from datasets.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    before = are_progress_bars_disabled()
    disable_progress_bars()

    try:
        yield
    finally:
        if not before:
            enable_progress_bars()


def first_line(error: BaseException) -> str:
    """The first line of an error's text, without the full stop."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].rstrip(". ")
