"""Whether a record can be believed: one small function a rule, in the order in which they are reported.

`problems_in` judges a file and `examine` a record by what the record says itself; `bench.validation` adds what needs
suites, methods, tasks and git. `bench.records.rules.stores` compares the records of a store.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records import store
from bench.records.rules import record as rules
from bench.records.rules.case import FILE, LARGEST, RERUN, Case, Level, Problem, Rule, printable
from bench.records.rules.signals import SIGNALS, readable
from bench.records.rules.text import unreadable

__all__ = [
    "CHECKS",
    "FILE",
    "LARGEST",
    "RERUN",
    "SIGNALS",
    "Case",
    "Level",
    "Problem",
    "Rule",
    "examine",
    "printable",
    "problems_in",
]

CHECKS: tuple[Rule, ...] = (
    rules.location,
    rules.known_suite,
    rules.exploratory,
    rules.identity,
    rules.outcome,
    rules.tasks,
    rules.evaluated,
    rules.attempts,
    rules.curve_steps,
    rules.curve_shapes,
    rules.magnitudes,
    rules.budget,
    rules.rollouts,
)
"""Rules of the record as a document; `SIGNALS` are those between its numbers."""


def problems_in(path: Path, suites: Mapping[str, Mapping[str, Any]] | None = None) -> list[Problem]:
    """Everything that is wrong with a record file; empty if it is a good record.

    suites: parsed suite files by name; without them suite and seed are not compared.
    """
    try:
        record = store.read(path)
    except UserError as error:
        return [unreadable(path, str(error))]
    return examine(Case(path, record, suites))


def examine(case: Case) -> list[Problem]:
    """What all rules say of a record that could be read."""
    found = [problem for rule in CHECKS for problem in rule(case)]
    return found + [problem for rule in SIGNALS for problem in rule(case)] if readable(case) else found
