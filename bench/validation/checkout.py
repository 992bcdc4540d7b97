"""The checkout that records are judged by: its suites and methods as text, its tasks as code.

A checkout of somebody else may be judged by this one: its suites are YAML, its methods are parsed, and tasks are this
one's, so that nothing of it is run.
"""

import json
from collections import Counter
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from bench.errors import UserError
from bench.places import ROOT
from bench.records.schema import Record
from bench.records.track import RATE, base_suite, is_tuned
from bench.records.tuning import FOLDER
from bench.request.request import override
from bench.request.suite import Suite
from bench.validation.allowed import Refusal, refusals
from bench.validation.history import History
from methods import _registry as methods
from methods._cards import MethodCard
from tasks import ProceduralTask, Task, data_hash
from tasks._data import data_root
from tasks._registry import all_tasks

TOO_FEW = "too few rows"
"""In place of a hash, of a task that draws its rows and has fewer than a record names."""
GOLDEN = "tests/golden/method_sources.json"
ANSWERS = "tests/golden/trajectories.json"


class Checkout:
    """Suites, methods, tasks and history. skipped: what could not be checked and why, with how many records."""

    def __init__(self, root: Path = ROOT, history: History | None = None) -> None:
        self.root = root
        self.history = history or History(root)
        self.tuned = root / FOLDER
        self.skipped: Counter[str] = Counter()

        self._sources: dict[Path, set[tuple[int, str]]] = {}
        self._digests: dict[Path, str] = {}
        self._trees: dict[tuple[Path, str], set[tuple[int, str]]] = {}
        self._refusals: dict[Path, list[Refusal]] = {}
        self._dates: dict[str, float | None] = {}

    @cached_property
    def suites(self) -> dict[str, Suite]:
        """All suites by name. UserError names the file that is none."""
        return {path.stem: _suite(path) for path in sorted((self.root / "suites").glob("*.yaml"))}

    @cached_property
    def plain_suites(self) -> dict[str, dict[str, Any]]:
        """The same as JSON."""
        return {name: suite.model_dump(mode="json") for name, suite in self.suites.items()}

    @cached_property
    def cards(self) -> dict[str, MethodCard]:
        """All methods by name. UserError names the file that is none."""
        try:
            return methods.cards(self.root / "methods")
        except (RecursionError, MemoryError, ValueError):
            raise UserError(f"{self.root / 'methods'}: a file there cannot be parsed. Remove it.") from None

    @cached_property
    def tasks(self) -> dict[str, Task]:
        """The tasks of this harness by name."""
        return all_tasks()

    def base(self, record: Record) -> Suite | None:
        """The suite file behind a record."""
        return self.suites.get(base_suite(record.suite.name))

    def resolved(self, record: Record) -> Suite | None:
        """The suite that a record was run on, its overrides applied; None if there is none of that name.

        UserError if the suite does not take the overrides.
        """
        base = self.base(record)
        # The tuned track overrides the learning rate under the suite's own name: `override` would mark it.
        if base is not None and is_tuned(record.suite.name):
            rate = record.suite.overrides.get(RATE, base.recipe.learning_rate)
            return base.tuned(rate) if isinstance(rate, float) else None
        if base is None or not record.suite.overrides:
            return base
        return override(base, {key: _word(value) for key, value in record.suite.overrides.items()})[0]

    def data_hash(self, name: str, train: int, heldout: int, skip: int = 0) -> str | None:
        """The hash of a task's rows; None, and noted, where its data is not at hand."""
        found = _data_hash(name, train, heldout, skip, data_root())
        if found is None:
            self.skipped[f"data hash of {name}: its data is not at hand (give BALANCEBENCH_DATA_ROOT)"] += 1
        return found

    def digest(self, card: MethodCard) -> str:
        """Source digest of a method's file as it is."""
        if card.path not in self._digests:
            self._digests[card.path] = methods.source_digest(card.path)
        return self._digests[card.path]

    def refusals(self, card: MethodCard) -> list[Refusal]:
        """What a method's code names that no method may."""
        if card.path not in self._refusals:
            self._refusals[card.path] = refusals(card.path)
        return self._refusals[card.path]

    def frozen(self, card: MethodCard) -> str | None:
        """The digest under which history, or else this checkout, froze the method's present version."""
        for entries in (self._frozen_before, self._frozen_here):
            entry = entries.get(card.name, {})
            if entry.get("version") == card.version:
                return str(entry.get("digest"))
        return None

    def digests(self, card: MethodCard) -> set[str]:
        """Digests that a record of the method's present version may carry: that of its code as it is.

        Of code that is what was frozen, also those under which the version was frozen before it. Of code that is
        rewritten here, only those that history knows: a new record waits until the rewriting is history.
        """
        digest = self.digest(card)
        frozen = self.frozen(card)
        if frozen == digest:
            return {digest, *self._earlier(card, card.version)}
        if frozen is not None and self.rewritten(card):
            return {frozen, *self._earlier(card, card.version)}
        return {digest}

    def rewritten(self, card: MethodCard) -> bool:
        """Whether this checkout froze other code under a version of history, and its golden answers are the same.

        That is what `bench freeze --rewritten` enters. That the code gives these answers is what the tests say.
        """
        entry = self._frozen_here.get(card.name, {})
        earlier = entry.get("earlier", {}).get(str(card.version), [])
        declared = entry.get("version") == card.version and entry.get("digest") == self.digest(card)
        answers = self._answers_here.get(card.name)
        return bool(
            declared and self.frozen(card) in earlier and answers and answers == self._answers_before.get(card.name)
        )

    def had(self, card: MethodCard, version: int, digest: str) -> bool:
        """Whether a version that the method has no more was of that code, as frozen files or history say."""
        return digest in self._earlier(card, version) or (version, digest) in self.sources(card)

    def _earlier(self, card: MethodCard, version: int) -> list[str]:
        for entries in (self._frozen_before, self._frozen_here):
            if earlier := entries.get(card.name, {}).get("earlier"):
                return list(map(str, earlier.get(str(version), [])))
        return []

    def sources(self, card: MethodCard) -> set[tuple[int, str]]:
        """Versions and digests that the method's file had in history."""
        if card.path not in self._sources:
            place = self.history.place(card.path)
            self._sources[card.path] = self.history.sources(place) if place else set()
        return self._sources[card.path]

    def has(self, path: Path) -> bool:
        """Whether history has a file of the checkout as it is now, byte for byte."""
        return path.is_file() and self.history.has(path)

    def made_of(self, card: MethodCard, commit: str) -> set[tuple[int, str]]:
        """Version and digest of a method's code in a commit; empty if it has none there."""
        key = (card.path, commit)
        if key not in self._trees:
            place = self.history.place(card.path)
            self._trees[key] = self.history.source(commit, place) if place else set()
        return self._trees[key]

    def commit_date(self, commit: str) -> float | None:
        """The time of a commit, in seconds since 1970; None if this repository does not have it."""
        if commit not in self._dates:
            self._dates[commit] = self.history.date(commit)
        return self._dates[commit]

    @cached_property
    def _frozen_before(self) -> dict[str, Any]:
        return self._before(GOLDEN)

    @cached_property
    def _frozen_here(self) -> dict[str, Any]:
        return self._here(GOLDEN)

    @cached_property
    def _answers_before(self) -> dict[str, Any]:
        return self._before(ANSWERS)

    @cached_property
    def _answers_here(self) -> dict[str, Any]:
        return self._here(ANSWERS)

    def _before(self, name: str) -> dict[str, Any]:
        place = self.history.place(self.root / name)
        return _entries(self.history.text(place)) if place else {}

    def _here(self, name: str) -> dict[str, Any]:
        file = self.root / name
        return _entries(file.read_text("utf-8")) if file.is_file() else {}


@cache
def _data_hash(name: str, train: int, heldout: int, skip: int, root: Path | None) -> str | None:
    task = all_tasks()[name]
    if root is None and not isinstance(task, ProceduralTask):
        return None
    try:
        return data_hash((*task.rows("train", train), *task.rows("heldout", skip + heldout)[skip:]))
    except UserError:  # too few rows, or no data
        return TOO_FEW if isinstance(task, ProceduralTask) else None


def _entries(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return {name: entry for name, entry in found.items() if isinstance(entry, dict)} if isinstance(found, dict) else {}


def _suite(path: Path) -> Suite:
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        found = Suite.model_validate({**data, "name": path.stem})
    except (yaml.YAMLError, ValidationError, TypeError, UnicodeDecodeError, RecursionError) as error:
        raise UserError(f"suites/{path.name} is no suite: {' '.join(str(error).split())[:300]}.") from None
    if found.own:
        raise UserError(f"suites/{path.name} is no suite of the project: it names files of somebody's own.")
    return found


def _word(value: Any) -> str:
    """A recorded override as it was written on the command line."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "none" if value is None else str(value)
