"""The origin of a run: times that are possible, and code that everybody can have."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from bench.records.rules import Problem
from bench.records.rules.facts import moment_of
from bench.validation.subject import Rule, Subject

SKEW = timedelta(days=1)
"""What clocks may differ: a machine set to local time is up to 14 hours off."""
ROUNDED = 1.0
"""Seconds: start and finish are whole ones."""
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
    elif (moment_of(origin.started) or made) < made - SKEW.total_seconds():
        yield subject.problem("provenance.started", f"is before commit {origin.commit[:12]} was made")


def threads(subject: Subject) -> Iterator[Problem]:
    """Threads change the order of sums, so they are the suite's."""
    found = subject.record.provenance.threads
    wanted = subject.suite.recipe.threads
    if found != wanted:
        yield subject.problem("provenance.threads", f"is {found}, the suite has {wanted}")


ORIGIN: tuple[Rule, ...] = (times, commit, threads)
