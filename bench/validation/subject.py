"""A record under examination with all that is known around it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bench.records.rules import RERUN, Case, Level, Problem
from bench.records.schema import Record
from bench.request.suite import Suite
from bench.validation.checkout import Checkout


@dataclass(frozen=True, slots=True)
class Subject:
    """A record under judgement. suite: as resolved for the run, overrides applied; settled: history has the record.

    A settled record was judged when it came: code, suites and protocol may have moved on since.
    """

    case: Case
    suite: Suite
    checkout: Checkout
    settled: bool

    @property
    def record(self) -> Record:
        """The record."""
        return self.case.record

    def problem(self, field: str, reason: str, remedy: str = RERUN, level: Level = "error") -> Problem:
        """A problem of its file."""
        return self.case.problem(field, reason, remedy, level)


Rule = Callable[[Subject], Iterator[Problem]]
