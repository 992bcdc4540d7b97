"""The origin of a run: times that are possible, and code that everybody can have."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.records.provenance import PACKAGES
from bench.records.rules import Problem
from bench.records.rules.facts import moment_of
from bench.validation.subject import Rule, Subject

SKEW = timedelta(days=1)
"""What clocks may differ: a machine set to local time is up to 14 hours off."""
ROUNDED = 1.0
"""Seconds: start and finish are whole ones."""
BEGAN = datetime(2026, 11, 20, tzinfo=UTC)
"""No run is older than the harness, whose first commit is of the day after."""
LEAST = {
    "python": (3, 11),
    "torch": (2, 6),
    "transformers": (5, 0),
    "trl": (1, 0),
    "lm-eval": (0, 4),
    "tokenizers": (0, 20),
    "numpy": (2, 0),
}
"""The oldest versions that the harness ever ran on: what pyproject.toml asks for, or less."""
CLEAN = "Commit the code, and run again; a published run is of public code."


def times(subject: Subject) -> Iterator[Problem]:
    """A run starts, trains and finishes, in this order, and not in the future."""
    origin = subject.record.provenance
    latest = (datetime.now(UTC) + SKEW).timestamp()
    seconds = list[float]()

    for name in ("started", "finished"):
        moment = moment_of(getattr(origin, name))
        if moment is None:
            said = f"{getattr(origin, name)!r} is no time in ISO 8601 with its zone"
            yield subject.problem(f"provenance.{name}", said)
            return
        seconds.append(moment)
        if moment > latest:
            yield subject.problem(f"provenance.{name}", f"{getattr(origin, name)} is in the future", "Set the clock.")
        elif moment < BEGAN.timestamp():
            said = f"{getattr(origin, name)} is before there was a harness"
            yield subject.problem(f"provenance.{name}", said, "Set the clock, and run again.")

    took = seconds[1] - seconds[0]
    wall = subject.record.ledger.wall_seconds
    if took < 0:
        yield subject.problem("provenance.finished", "is before the start; the clock was set back during the run")
    elif abs(took - origin.total_seconds) > ROUNDED:
        said = f"is {origin.total_seconds:g}, from start to finish it is {took:g}"
        yield subject.problem("provenance.total_seconds", said)

    if wall > origin.total_seconds + ROUNDED:
        yield subject.problem("ledger.wall_seconds", f"is {wall:g}, the whole run took {origin.total_seconds:g}")


def commit(subject: Subject) -> Iterator[Problem]:
    """A commit that was there when the run started, without local changes."""
    origin = subject.record.provenance
    if not subject.case.official:
        return
    if origin.dirty:
        yield subject.problem("provenance.dirty", "the code differed from its commit", CLEAN)
    if not re.fullmatch(r"[0-9a-f]{40}([0-9a-f]{24})?", origin.commit):
        yield subject.problem("provenance.commit", f"{origin.commit!r} is no commit", CLEAN)
        return

    made = subject.checkout.commit_date(origin.commit)
    if made is None:
        subject.checkout.skipped[f"commit {origin.commit[:12]}: this repository does not have it"] += 1
        if subject.checkout.history.commit and not subject.settled:
            said = f"this repository does not have {origin.commit[:12]}"
            yield subject.problem("provenance.commit", said, "Hand the commit in, too: it is the code.", "warning")
    elif (moment_of(origin.started) or made) < made - SKEW.total_seconds():
        yield subject.problem("provenance.started", f"is before commit {origin.commit[:12]} was made")


def threads(subject: Subject) -> Iterator[Problem]:
    """Threads change the order of sums, so they are the suite's."""
    found = subject.record.provenance.threads
    wanted = subject.suite.recipe.threads
    if found != wanted:
        yield subject.problem("provenance.threads", f"is {found}, the suite has {wanted}")


def versions(subject: Subject) -> Iterator[Problem]:
    """Versions that the harness runs on: they are versions, all packages of training are there, none is too old."""
    origin = subject.record.provenance
    for name, least in LEAST.items():
        said = origin.python if name == "python" else origin.packages.get(name)
        found = _version(said or "")
        if said is None or found is None:
            yield subject.problem(f"provenance.packages.{name}", f"is {said!r}, no version")
        elif found < least:
            needed = ".".join(map(str, least))
            yield subject.problem(f"provenance.packages.{name}", f"is {said}; the harness needs {needed} or later")

    if strange := sorted(set(origin.packages) - set(PACKAGES)):
        yield subject.problem("provenance.packages", f"names {', '.join(strange)}, which the harness does not record")
    if _version(origin.harness_version) is None:
        yield subject.problem("provenance.harness_version", f"is {origin.harness_version!r}, no version")


def _version(text: str) -> tuple[int, ...] | None:
    """The numbers a version begins with; None if it is none."""
    found = re.match(r"\d+(\.\d+)+(?![^-+.\w])", text)
    return tuple(map(int, found[0].split("."))) if found else None


ORIGIN: tuple[Rule, ...] = (times, commit, threads, versions)
