"""What an author of a method needs beside an editor: a template to begin with, and the battery's verdict."""

import keyword
import re
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.contributing.templates import method_text, test_text
from bench.errors import UserError
from bench.places import CHECKOUT, ROOT
from bench.validation.allowed import refusals
from methods._registry import GOLDEN, TRAJECTORIES, cards, entries, find

if TYPE_CHECKING:
    from methods._battery import Property, Subject
    from tasks import Task

METHODS = ROOT / "methods"
TESTS = ROOT / "tests" / "methods"
LEGAL = re.compile(r"[a-z][a-z0-9_]*")
REPEATS = 9
CODE = ("code", "imports, calls and reads only what a method needs; docs/validation.md lists it")
"""Name and rule of what is asked of a method's text, as `bench validate` asks it."""


@dataclass(frozen=True)
class Verdict:
    """What became of one property: how the method breaks it, or why it was not tried."""

    name: str
    rule: str
    violations: tuple[str, ...]
    skipped: str = ""


@dataclass(frozen=True)
class Report:
    """What is said of a method, or of a task, whose name it is. facts: what was measured, a sentence each."""

    name: str
    verdicts: tuple[Verdict, ...]
    facts: tuple[str, ...]
    kind: str = "method"

    @property
    def broken(self) -> int:
        """Properties that it breaks."""
        return sum(bool(verdict.violations) for verdict in self.verdicts)


def examine(spec: str, begins: Callable[[str, int], None] = lambda name, total: None) -> Report:
    """Try every property on a method, by name or by the path of its file.

    begins: told each property before it is tried, and how many there are. UserError if there is no such method, it
    cannot be loaded, or its library is not installed.
    """
    from methods._battery import PROPERTIES, subjects_of  # torch

    card = find(spec)
    subjects = subjects_of(card)
    if card.variant:
        subjects[0].make(4)  # UserError if its library is not installed
    verdicts = []
    acting = [rule for rule in PROPERTIES if rule.acts(card)]

    with _one_thread():
        for rule in acting:
            begins(rule.name, len(acting) + 1)
            verdicts.append(_verdict(rule, subjects))
        begins(CODE[0], len(acting) + 1)
        verdicts.append(Verdict(*CODE, tuple(map(str, refusals(card.path)))))
        return Report(card.name, tuple(verdicts), _facts(subjects[0]))


def examine_task(task: "Task", begins: Callable[[str, int], None] = lambda name, total: None) -> Report:
    """Try the contract of tasks on one. begins: as for `examine`. UserError if it has no rows at hand."""
    from tasks._contract import RULES, first, splits_of

    counts = ", ".join(f"{len(first(task, split))} {split}" for split in splits_of(task))
    verdicts = []
    for rule in RULES:
        begins(rule.name, len(RULES))
        verdicts.append(Verdict(rule.name, rule.rule, rule.violations(task)))
    return Report(task.name, tuple(verdicts), (f"Tried on its first rows: {counts}.",), "task")


@contextmanager
def _one_thread() -> Iterator[None]:
    """Problems of a few tasks gain nothing from more, and lose much where others use them."""
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _verdict(rule: "Property", subjects: "Sequence[Subject]") -> Verdict:
    from methods._battery import peers

    card = subjects[0].card
    if not rule.binds(card):
        return Verdict(rule.name, rule.rule, (), peers.EXEMPT[rule.name])

    try:
        found = [violation.case for subject in subjects for violation in rule.violations(subject)]
    except UserError as error:
        if not card.variant:
            raise
        return Verdict(rule.name, rule.rule, (), str(error))

    return Verdict(rule.name, rule.rule, tuple(found))


def _facts(subject: "Subject") -> tuple[str, ...]:
    """The conflict rate, where there is one, and what an answer takes."""
    from methods._battery import Fault, claims, inputs
    from methods._cards import CLAIM, CLAIMANTS

    card = subject.card
    facts = list[str]()

    try:
        if CLAIMANTS & set(card.acts_on):
            rate = claims.measured_rate(subject)
            facts.append(f"Its update opposes a task in {rate:.1f} % of {claims.MATRICES} matrices of {claims.SET}.")
            if not card.conflicts and not card.variant:
                facts.append(f"Add this line to the card, after Costs: {CLAIM}  {claims.fitting_claim(subject, rate)}")
        case = inputs.case_of("8 gradients", inputs.random_rows(8, 64))
        seconds = []
        for _ in range(REPEATS):
            method = subject.make(case.tasks, width=64)
            since = time.perf_counter()
            steps = len(subject.drive(method, case))
            seconds.append((time.perf_counter() - since) / steps)
        what = "A plan" if card.acts_on == ("RunPlan",) else "An answer"
        facts.append(f"{what} for 8 tasks of 64 parameters takes {1000 * statistics.median(seconds):.2g} ms here.")
    except Fault as fault:
        facts.append(f"Not measured: {fault}.")

    frozen = entries(GOLDEN / TRAJECTORIES).get(card.name, {"version": 0})
    if CHECKOUT and card.path.parent == METHODS and not card.variant and frozen["version"] != card.version:
        facts.append(f"Version {card.version} is not frozen yet: `bench freeze {card.name}`.")
    return tuple(facts)


def write_method(name: str, acts_on: str, folder: Path | None = None) -> list[Path]:
    """Write a method from the template for a place of action, and its test unless `folder` is given.

    Returns the files. UserError, and nothing is written, for a name that is illegal or taken.
    """
    _check_name(name)
    files = {(folder or METHODS) / f"{name}.py": method_text(name, acts_on)}
    if folder is None:
        files[TESTS / f"test_{name}.py"] = test_text(name, acts_on)

    # All reasons to refuse come before the first byte is written.
    for path in files:
        if path.exists():
            raise UserError(f"{path} is there already; edit it, or choose another name.")

    for card in cards().values():
        if name in (card.name, card.name.partition("/")[0]):
            raise UserError(f"the name {name} belongs to methods/{card.path.name}; choose another.")

    try:
        for path, text in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
    except OSError as error:
        raise UserError(
            f"cannot write {path}: {error.strerror}. Say --dir DIR with a folder you may write to."
        ) from None

    return list(files)


def next_commands(name: str, acts_on: str, folder: Path | None = None) -> list[str]:
    """What an author does next."""
    spec = str(folder / f"{name}.py") if folder else name
    method = f"method=uniform wrapper={spec}" if acts_on == "wrapper" else f"method={spec}"
    test = f"pytest tests/methods -k {name}" if folder is None else f"bench methods {spec}"
    return [f"bench check {spec}", test, f"bench run {method} suite=smoke-v1 store=runs"]


def _check_name(name: str) -> None:
    """UserError, with a name that would do, if a method cannot be called so."""
    if LEGAL.fullmatch(name) and not keyword.iskeyword(name):
        return

    words = re.findall(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])", name)
    near = "_".join(words).lower().lstrip("0123456789_")
    near = f"{near}_method" if keyword.iskeyword(near) else near
    hint = f" {near!r} would do." if near else ""
    raise UserError(
        f"{name!r} cannot name a method: lower-case letters, digits and underscores, a letter first, no word of "
        f"Python.{hint}"
    )
