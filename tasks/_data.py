"""Tasks over published data sets: where the rows come from, what they must look like, and how they become ours.

Rows come from the hub at a pinned revision, or from a folder of copies (`data_root=DIR`): `DIR/<task>/` holds the
set's published files, or the hub's own parquet files. Both give the same rows, in an order that depends on the
prompts alone, so that any first n rows are a fair sample.
"""

import hashlib
import os
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from bench.errors import UserError
from tasks._base import Draft, Row, Split, Task, split_of
from tasks._files import Raw, find, first_line, quiet, read
from tasks._schema import OffSchema, Shape, check

ROOT = "BALANCEBENCH_DATA_ROOT"
"""Environment variable: the folder of local copies."""


def data_root() -> Path | None:
    """The folder of local copies, or None: then rows come from the hub."""
    folder = os.environ.get(ROOT, "")
    return Path(folder).expanduser() if folder else None


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the hub has a data set.

    revision: a commit of 40 hex digits, or in words why none is pinned. splits: the hub's name of each of our
    splits (`a+b` joins two); one name for both means that the prompt's hash decides.
    """

    id: str
    revision: str
    splits: Mapping[Split, str]
    config: str | None = None

    @property
    def commit(self) -> str | None:
        """The pinned commit, or None."""
        return self.revision if re.fullmatch("[0-9a-f]{40}", self.revision) else None

    def __str__(self) -> str:
        config = f", configuration {self.config}" if self.config else ""
        return f"{self.id}{config}{f', revision {self.commit}' if self.commit else ''}"


class DataTask(Task):
    """A task over a published data set. Subclasses give the card, `draft`, `verify` and `slip`."""

    hub: ClassVar[Hub]
    mirror: ClassVar[Mapping[Split, tuple[str, ...]]]
    """The published files of each split below `<data_root>/<task>/`: names or patterns; each may end in .gz. A split
    that is missing has no rows; the same files for both mean that `side` decides, row by row."""
    other_mirror: ClassVar[Mapping[Split, tuple[str, ...]]] = {}
    """Another form in which copies circulate, looked for where the first is not there."""
    columns: ClassVar[tuple[str, ...]] = ()
    """Names of the columns of CSV files without a header."""
    licence: ClassVar[str]
    schema: ClassVar[Mapping[str, Shape]]
    """What a raw row of the hub must have; see `tasks._schema`."""
    mirror_schema: ClassVar[Mapping[str, Shape] | None] = None
    """What a raw row of the published files must have, where it differs; then `raw_of_mirror` translates."""
    sizes: ClassVar[Mapping[Split, int]]
    """Rows of each split as published, before duplicates are dropped."""
    balance: ClassVar[Mapping[str, float]] = {}
    """Share of each class among the published held-out rows, where rows have classes and the shares are known."""
    note: ClassVar[str] = ""
    """What a reader of a score must know beside the summary: splits of our own, rows left out."""

    @abstractmethod
    def draft(self, raw: Mapping[str, Any]) -> Draft | None:
        """The question in a raw row of the hub's schema, or None if it is left out. May raise OffSchema."""

    def raw_of_mirror(self, raw: Mapping[str, Any]) -> Mapping[str, Any]:
        """A row of the published files in the hub's schema. May raise OffSchema."""
        return raw

    def side(self, raw: Mapping[str, Any], prompt: str) -> Split | None:
        """The split of a row where both splits share their source, or None for neither: by the prompt's hash."""
        return split_of(prompt)

    def label(self, row: Row) -> str | None:
        """The class of a row, where rows have classes."""
        return None

    def stream(self, split: Split) -> Iterator[Row]:
        """The rows of one split. UserError if it has none, if data is missing, or if a row is off the schema."""
        if split not in self.mirror:
            use = "training" if split == "train" else "evaluation"
            raise UserError(f"task {self.name!r} has no {split} rows: it is not for {use}. `bench tasks` lists others.")
        return iter(load(self, data_root())[split])

    def rows(self, split: Split, count: int) -> tuple[Row, ...]:
        """The first `count` rows of a split; all of them where it has fewer. UserError if it has none."""
        rows = tuple(islice(self.stream(split), count))
        if count and not rows:
            raise UserError(f"task {self.name!r} has no usable {split} rows in {data_root() or self.hub}.")
        return rows

    def balance_of(self, split: Split) -> dict[str, float]:
        """The share of each class among the rows of a split; {} where rows have none."""
        labels = Counter(label for row in self.stream(split) if (label := self.label(row)) is not None)
        return {label: count / labels.total() for label, count in sorted(labels.items())}


@dataclass(frozen=True, slots=True)
class Source:
    """Where a task's rows are read from: files by split, or the hub where `files` is None.

    shared: both splits lie in one place, and `DataTask.side` tells them apart.
    """

    files: Mapping[Split, tuple[Path, ...]] | None
    shared: bool


@cache
def load(task: DataTask, root: Path | None) -> dict[Split, tuple[Row, ...]]:
    """All rows of a task by split, read once a process: no prompt twice, no held-out prompt among the training rows."""
    source = _source(task, root)
    held: dict[str, Draft] = {}
    train: dict[str, Draft] = {}

    # held-out rows come first, so that a prompt in both splits is never trained on
    for draft in _drafts(task, "heldout", source):
        held.setdefault(draft.prompt, draft)
    for draft in _drafts(task, "train", source):
        if draft.prompt not in held:
            train.setdefault(draft.prompt, draft)

    return {
        "train": ordered(task.name, "train", train.values()),
        "heldout": ordered(task.name, "heldout", held.values()),
    }


def published_rows(task: DataTask, split: Split) -> Iterator[Mapping[str, Any]]:
    """The raw rows of a split in the hub's schema, as they come: duplicates too. UserError as for `DataTask.stream`."""
    source = _source(task, data_root())
    return (_in_hub_form(task, raw) for raw in _raw_rows(task, split, source))


def ordered(name: str, split: Split, drafts: Iterable[Draft]) -> tuple[Row, ...]:
    """Drafts as rows, in the order of their prompts' hashes."""
    ordered = sorted(drafts, key=lambda draft: hashlib.sha256(f"{name}/{draft.prompt}".encode()).digest())
    return tuple(Row(name, split, i, d.prompt, d.answer, d.facts) for i, d in enumerate(ordered))


def _drafts(task: DataTask, split: Split, source: Source) -> Iterator[Draft]:
    """The usable rows of one split."""
    for raw in _raw_rows(task, split, source):
        try:
            fields = _in_hub_form(task, raw)
            draft = task.draft(fields)
        except OffSchema as error:
            raise UserError(
                f"{raw.where}: {error}. That is not the form in which {task.hub.id} is published; copy the file "
                f"again, or another form of it (`bench tasks {task.name}` names them)."
            ) from None
        if draft is not None and (not source.shared or task.side(fields, draft.prompt) == split):
            yield draft


def _in_hub_form(task: DataTask, raw: Raw) -> Mapping[str, Any]:
    """A raw row in the hub's schema. OffSchema if it is off, before or after translation."""
    fields = raw.fields
    if raw.mirrored:
        check(fields, task.schema if task.mirror_schema is None else task.mirror_schema)
        fields = task.raw_of_mirror(fields)

    check(fields, task.schema)
    return fields


def _raw_rows(task: DataTask, split: Split, source: Source) -> Iterator[Raw]:
    if split not in task.mirror:
        return iter(())
    if source.files is None:
        return _from_hub(task, split)
    return (raw for path in source.files[split] for raw in read(path, task.columns))


def _source(task: DataTask, root: Path | None) -> Source:
    """The first complete set of files below `root`: published, or the hub's parquet files. UserError if none is."""
    if root is None:
        return Source(None, task.hub.splits.get("train") == task.hub.splits.get("heldout"))

    if not root.is_dir():
        raise UserError(f"data_root={root} is no folder. It holds one folder a task, such as {root / task.name}.")

    folder = root / task.name
    parquet = {split: tuple(f"{part}-*.parquet" for part in task.hub.splits[split].split("+")) for split in task.mirror}

    # the first form whose files are all there is read; forms are never mixed
    places = [(folder, task.mirror), (folder, task.other_mirror)]
    places += [(place, parquet) for place in (folder, folder / (task.hub.config or "data"))]

    for place, names in places:
        files = {split: tuple(find(place, names[split])) for split in names}
        if files and all(files.values()):
            return Source(files, files.get("train") == files.get("heldout"))

    raise UserError(
        f"task {task.name!r} has no data in {folder}. Put the published files there ({published(task)}) or the "
        f"parquet files of {task.hub} on the hub; without data_root the hub itself is asked."
    )


def published(task: DataTask) -> str:
    """The names of the files that are looked for, in words."""
    forms = [form for form in (task.mirror, task.other_mirror) if form]
    return " or ".join("; ".join(f"{split}: {', '.join(names)}" for split, names in form.items()) for form in forms)


def _from_hub(task: DataTask, split: Split) -> Iterator[Raw]:
    import datasets

    hub = task.hub
    name = hub.splits[split]
    try:
        with quiet():
            rows = datasets.load_dataset(hub.id, hub.config, revision=hub.commit, split=name)
    except (OSError, ValueError, RuntimeError, datasets.exceptions.DatasetsError) as error:
        raise UserError(
            f"the data of task {task.name!r} cannot be had from the hub ({hub}): {first_line(error)}. Give access to "
            f"the hub, or say data_root=DIR, where DIR/{task.name}/ holds the published files ({published(task)})."
        ) from None
    return (Raw(f"{hub.id} {name}, row {place}", row, mirrored=False) for place, row in enumerate(rows, 1))
