"""The runs of a store that may be shown, and what is wrong with the rest: no record is trusted, none vanishes.

A store comes from other people. What cannot be read, does not lie where it belongs, breaks a rule, or does not fit the
other runs of its suite is an error, or, when asked to keep going, is left out and listed.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from bench.analysis.runs import Run
from bench.errors import BrokenRecord, UserError
from bench.records import store
from bench.records.rules import FILE, Case, Problem, examine, printable
from bench.records.rules.text import unreadable
from bench.records.schema import Record
from bench.records.track import TRACK, is_tuned
from bench.records.withdrawal import withdrawal_of, withdrawal_path

LONGEST = 300
"""Characters of a reason that are shown."""
ENDING = re.compile(r"[.](bib|css|csv|html|js|json|md|svg|tex|txt)$", re.IGNORECASE)

SHARED: dict[str, Callable[[Record], Any]] = {
    "protocol": lambda record: record.protocol,
    "tasks": lambda record: [task.name for task in record.tasks],
    "tasks.data_hash": lambda record: [(task.revision, task.data_hash) for task in record.tasks],
    "suite.digest": lambda record: record.method.tuning.suite if record.method.tuning else record.suite.digest,
    "model.digest": lambda record: record.model.digest,
    "method.tuning": lambda record: budget(record),
}
"""What all runs of a suite share, or their numbers could not stand in one table: of tuned runs, the budget, too."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a store holds: runs in the order of their files, and problems, at least one a file that is left out.

    Files of problems are relative to the store, so that a page that lists them says nothing about the machine.
    """

    runs: Sequence[Run]
    left_out: Sequence[Problem]


def load(results: Path, keep_going: bool = False, suite: str | None = None) -> Loaded:
    """All runs that are shown, or those of one suite: runs with overrides are exploratory and not among them.

    suite "": no runs, only what is wrong beside the suites. Suite by suite a large store is never in memory as a whole.
    UserError if there is no such folder; BrokenRecord, unless asked to keep going, at the first file with a problem:
    it names file, field, reason and remedy.
    """
    if not results.is_dir():
        raise UserError(f"no folder {results} with records; `bench run` makes one.")

    runs = list[Run]()
    left_out = list[Problem]()
    for found in _checked(results, suite):
        if isinstance(found, Run):
            runs.append(found)
        elif keep_going or found.level != "error":
            left_out.append(_plain(replace(found, file=found.file.relative_to(results))))
        else:
            raise BrokenRecord(str(_plain(found)))

    return Loaded(runs, sorted(left_out, key=lambda problem: problem.file.parts))


def budget(record: Record) -> list[str]:
    """What a method of the tuned track may spend on tuning, which is the same for all; nothing in the default one."""
    use = record.method.tuning
    return [f"{use.trials} trials", f"seeds {use.seeds}", f"{use.items} items"] if use else ["no tuning"]


def tuned_runs(results: Path, keep_going: bool, suite: str) -> Sequence[Run]:
    """The runs of the suite in the tuned track that are shown."""
    name = f"{suite}{TRACK}"
    return load(results, keep_going, name).runs if not is_tuned(suite) and (results / name).is_dir() else []


def suites(results: Path) -> list[str]:
    """Suites that are shown, by name: those with a file that looks like a record."""
    return sorted({name for path in store.record_files(results) if "~" not in (name := _place(results, path)[0])})


def _checked(results: Path, suite: str | None) -> Iterator[Run | Problem]:
    runs: dict[str, list[Run]] = {}
    outside = _links_outside(results, suite)
    yield from (_file(path, "is a link out of the store", "Copy the records here.") for path in outside)

    # A suite with ~ is one with overrides: exploratory, and never shown.
    for path in _files(results, suite):
        name = _place(results, path)[0]
        if "~" in name or any(link == path or link in path.parents for link in outside):
            continue
        found = _examined(results, path)
        if isinstance(found, Run):
            runs.setdefault(name, []).append(found)
        else:
            yield from found

    for name in sorted(runs):
        yield from _alike(runs[name])


def _examined(results: Path, path: Path) -> Run | list[Problem]:
    """The run in a file, or what is wrong with it by itself."""
    if not path.is_file():
        return [_file(path, "is not a file that can be read", "Remove it.")]

    try:
        record = store.read(path)
    except UserError as error:
        return [unreadable(path, str(error))]

    problems = [
        *examine(Case(path, record)),
        *_too_deep(results, path, record),
        *_named_like_a_file(results, path),
    ]
    return problems or _withdrawn(path, record) or Run(path, record)


def _withdrawn(path: Path, record: Record) -> list[Problem]:
    """A run that no longer counts is listed with its reason, and breaks nothing."""
    try:
        withdrawal = withdrawal_of(path, record)
    except UserError as error:
        return [unreadable(withdrawal_path(path), str(error))]
    said = f"was withdrawn on {withdrawal.date}: {withdrawal.reason.rstrip('.')}" if withdrawal else ""
    return [Problem(path, FILE, said, "It no longer counts.", "notice")] if withdrawal else []


def _too_deep(results: Path, path: Path, record: Record) -> Iterator[Problem]:
    """Two files may not be one run: a record lies at <suite>/<method>/<seed>.json from the store's root."""
    if len(_place(results, path)) != record.method.name.count("/") + 3:
        yield _file(
            path, "lies deeper than <suite>/<method>/<seed>.json", "Move the file back to where it was written."
        )


def _named_like_a_file(results: Path, path: Path) -> Iterator[Problem]:
    """A folder of the site may not have the name of one of its files."""
    suite, *method = _place(results, path)[:-1]
    for field, parts in (("suite.name", [suite]), ("method.name", method)):
        if any(ENDING.search(part) for part in parts):
            yield Problem(path, field, f"{'/'.join(parts)!r} ends like a file of the site", "Choose another name.")


def _alike(runs: Sequence[Run]) -> Iterator[Run | Problem]:
    """The runs that share what most of the suite's runs share, and a problem for each other one."""
    # The majority decides, so that one foreign record cannot push out all others.
    marks = [repr([get(run.record) for get in SHARED.values()]) for run in runs]
    usual = Counter(marks).most_common(1)[0][0]
    standard = runs[marks.index(usual)]
    for run, mark in zip(runs, marks, strict=True):
        yield run if mark == usual else _stranger(run, standard)


def _stranger(run: Run, standard: Run) -> Problem:
    field = next(field for field, get in SHARED.items() if get(run.record) != get(standard.record))
    own, usual = (_short(SHARED[field](each.record)) for each in (run, standard))
    said = f"is {own}, most runs of {run.record.suite.name} have {usual}" if own != usual else "differs from most runs"
    return Problem(run.path, field, said, "Keep suites apart, or run it again.")


def _short(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) and isinstance(value[0], str) else str(value)[:12]


def _files(results: Path, suite: str | None) -> Iterator[Path]:
    """Record files of the store, or of one suite of it: a large store is not walked once a suite."""
    if suite is None:
        return store.record_files(results)
    found = (results / suite).glob("**/*.json") if suite else ()
    return (path for path in sorted(found) if not _hidden(results, path) and not path.name.endswith(store.WITHDRAWN))


def _links_outside(results: Path, suite: str | None) -> list[Path]:
    """Links in the store that lead out of it, or to themselves; hidden ones are not looked at."""
    root = results.resolve()
    within = results / suite if suite else results
    below = within.iterdir() if suite == "" else within.rglob("*")
    links = [path for path in [*([within] if suite else []), *below] if path.is_symlink()]
    return sorted(path for path in links if not _hidden(results, path) and not _leads_into(root, path))


def _leads_into(root: Path, link: Path) -> bool:
    try:
        return link.resolve().is_relative_to(root)
    except (OSError, RuntimeError):  # a link that leads to itself
        return False


def _hidden(results: Path, path: Path) -> bool:
    return any(part.startswith(".") for part in _place(results, path))


def _place(results: Path, path: Path) -> tuple[str, ...]:
    return path.relative_to(results).parts


def _file(path: Path, reason: str, remedy: str) -> Problem:
    return Problem(path, FILE, reason, remedy)


def _plain(problem: Problem) -> Problem:
    """The problem in printable characters: names of files and keys of JSON may hold any."""
    reason = printable(problem.reason)
    cut = f"{reason[:LONGEST]} ..." if len(reason) > LONGEST else reason
    return Problem(Path(printable(str(problem.file))), printable(problem.field)[:LONGEST], cut, problem.remedy)
