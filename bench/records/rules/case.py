"""What a rule looks at, a `Case`, and what it says, a `Problem`."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.records.schema import Record
from bench.records.track import base_suite

Level = Literal["error", "warning", "notice"]
"""error: refused. warning: a person should look. notice: worth knowing, nothing is wrong."""
FILE = "(file)"
"""The field of a problem with a file as a whole."""
RERUN = "Run the method again; do not edit a record."
LARGEST = 1e100
"""No curve or duration of a run is larger; squares and sums of such numbers stay finite."""


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a file. field: dotted path in the record; remedy: what to do about it."""

    file: Path
    field: str
    reason: str
    remedy: str
    level: Level = "error"

    def __str__(self) -> str:
        return f"{self.file}: field {self.field}: {self.reason}. {self.remedy}"


@dataclass(frozen=True, slots=True)
class Case:
    """A record under examination. suites: parsed suite files by name."""

    path: Path
    record: Record
    suites: Mapping[str, Mapping[str, Any]] | None = None

    @property
    def suite(self) -> Mapping[str, Any] | None:
        """The suite file of the record, an exploratory run's base suite included; None if it is not known."""
        return (self.suites or {}).get(base_suite(self.record.suite.name))

    @property
    def official(self) -> bool:
        """Whether the run can be ranked: nothing of its suite was changed."""
        return "~" not in self.record.suite.name

    @property
    def plan(self) -> bool:
        """Whether the method decides how many prompts a step has."""
        return "RunPlan" in self.record.method.acts_on

    def problem(self, field: str, reason: str, remedy: str = RERUN, level: Level = "error") -> Problem:
        """A problem of this file."""
        return Problem(self.path, field, reason, remedy, level)


Rule = Callable[[Case], Iterator[Problem]]


def printable(text: str) -> str:
    """The text with every character that is not printable as an escape: names in hostile files may hold any."""
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)
