"""The verdict on a store, or on some files of it: every rule asked, every problem kept, nothing skipped in silence."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from bench.errors import UserError
from bench.records import reproduction_files as again
from bench.records import tuning
from bench.records.rules import FILE, Case, Problem, examine
from bench.records.rules.facts import Facts, facts_of
from bench.records.rules.stores import compare
from bench.records.rules.text import irregular, read, unreadable
from bench.records.schema import Record
from bench.records.store import record_path
from bench.records.track import TRACK
from bench.records.withdrawal import check_seconded, second_path, withdrawal_of, withdrawal_path
from bench.request.request import RESULTS
from bench.validation import beside, tuned
from bench.validation.answers import ANSWERS
from bench.validation.checkout import Checkout
from bench.validation.code import CODE
from bench.validation.history import History
from bench.validation.isolation import ISOLATION
from bench.validation.mixture import MIXTURE
from bench.validation.origin import ORIGIN
from bench.validation.parts import in_parts
from bench.validation.recipe import RECIPE
from bench.validation.store import append_only, hidden, is_record, misplaced, walk, withdrawals_without_record
from bench.validation.subject import Rule, Subject
from bench.validation.tuned import TUNED

RULES: tuple[Rule, ...] = (*MIXTURE, *CODE, *TUNED, *RECIPE, *ORIGIN, *ISOLATION, *ANSWERS)

WITHDRAW = "docs/validation.md says what withdraws a run."


@dataclass(frozen=True)
class Verdict:
    """What was found. methods: records of each folder of a method, by path from the store."""

    records: int
    problems: Sequence[Problem]
    skipped: Counter[str] = field(default_factory=Counter)
    """What could not be checked, and why, with the number of times."""
    methods: Counter[str] = field(default_factory=Counter)
    reproductions: int = 0
    compared_with: str = ""
    """The commit whose records must be there, '' if there is none."""

    def of(self, level: str) -> list[Problem]:
        """Problems of a level."""
        return [problem for problem in self.problems if problem.level == level]

    @property
    def good(self) -> bool:
        """Whether all may be published."""
        return not self.of("error")


def validate(
    results: Path, paths: Sequence[Path] = (), against: str | None = None, checkout: Checkout | None = None
) -> Verdict:
    """The verdict on a store, or on what of it lies in `paths`.

    against: a commit whose records must still be there; by default where HEAD left the main branch. checkout: whose
    suites and methods count, this one's by default. UserError for a path outside the store, a commit that is not
    there, and a suite or method file that cannot be read.
    """
    if not results.is_dir():
        raise UserError(f"no folder {results} with records; say --results DIR.")

    wanted = [_inside(results, path) for path in paths]
    judge = Judge(results, checkout or Checkout(), History(results, against))

    # What is not asked for is read all the same where records are compared with it.
    files = [path for path in walk(results) if not wanted or _concerns(path.relative_to(results), wanted)]
    chosen = {path for path in files if not wanted or any(_below(path.relative_to(results), each) for each in wanted)}
    problems = [problem for problem in judge.everything(files, chosen) if _asked(results, problem, wanted)]
    if not wanted and results.name == RESULTS.name:
        problems += judge.beside()
        problems += judge.reproductions(results.parent / again.FOLDER)
        problems += judge.tunings(results.parent / tuning.FOLDER)
    problems = list(dict.fromkeys(problems))
    commit = judge.history.commit[:12]
    skipped = judge.checkout.skipped + Counter([] if commit else ["append-only: no git history to compare with"])
    judge.checkout.skipped.clear()
    return Verdict(judge.records, problems, skipped, judge.methods, judge.again, commit)


@dataclass(frozen=True)
class Part:
    """What was found in some records: facts for rules between records, problems, and what could not be checked."""

    facts: list[Facts]
    problems: list[Problem]
    skipped: Counter[str]


class Judge:
    """Asks all rules, file by file; keeps of each record only what rules between records need."""

    def __init__(self, results: Path, checkout: Checkout, history: History) -> None:
        self.results = results
        self.checkout = checkout
        self.history = history
        self.records = self.again = self.fresh = 0
        self.methods: Counter[str] = Counter()

    def everything(self, files: Sequence[Path], chosen: set[Path]) -> Iterator[Problem]:
        """All problems of files; `chosen` are judged, the others only compared with."""
        yield from hidden(self.results, self.history)
        yield from misplaced(self.results, files)
        yield from withdrawals_without_record(files)

        records = [path for path in files if is_record(path)]
        parts = in_parts(records, partial(self.part, chosen), partial(self.get_ready, records))
        for part in parts:
            yield from part.problems
            self.checkout.skipped.update(part.skipped)
        facts = [each for part in parts for each in part.facts]
        for path in filter(chosen.__contains__, records):
            self.records += 1
            self.methods[path.parent.relative_to(self.results).as_posix()] += 1
        self.fresh += sum(not each.settled for each in facts)

        seeds = {name: suite.seeds for name, suite in self.checkout.suites.items()}
        yield from compare(facts, seeds | {f"{name}{TRACK}": each for name, each in seeds.items()})
        yield from append_only(self.results, self.history)

    def part(self, chosen: set[Path], paths: Sequence[Path]) -> Part:
        """What is wrong with some records by themselves; it may be found out in another process."""
        before, self.checkout.skipped = self.checkout.skipped, Counter()
        facts = list[Facts]()
        problems = list[Problem]()

        for path in paths:
            record, wrong = read(path)
            problems += wrong if path in chosen else []
            if record is not None:
                settled = self.history.has(path)
                withdrawn, unclear = self.withdrawn(path, record)
                problems += unclear
                facts.append(self.facts(path, record, settled, withdrawn))
                problems += self.examined(path, record, settled) if path in chosen else []

        skipped, self.checkout.skipped = self.checkout.skipped, before
        return Part(facts, problems, skipped)

    def get_ready(self, paths: Sequence[Path]) -> None:
        """Find out once what every part would: the rows of the tasks, by judging a record a suite."""
        self.part(set(paths), list({path.relative_to(self.results).parts[0]: path for path in paths}.values()))

    def beside(self) -> Iterator[Problem]:
        """What is wrong with the suites and methods that come with the records, and with the harness."""
        yield from beside.suites(self.checkout)
        yield from beside.methods(self.checkout)
        if self.fresh and self.results.resolve().parent == self.checkout.root.resolve():
            yield from beside.harness(self.checkout)

    def reproductions(self, folder: Path) -> Iterator[Problem]:
        """All problems of the reproductions beside the store."""
        for path in sorted(folder.rglob("*")):
            if path.is_symlink() or not path.is_dir():
                self.again += 1
                yield from [problem] if (problem := irregular(path)) else self._reproduction(path)
        yield from append_only(folder, self.history)

    def tunings(self, folder: Path) -> Iterator[Problem]:
        """All problems of the tunings beside the store, and of the records of their trials."""
        yield from tuned.problems(folder, self.checkout)
        if (trials := folder / tuning.TRIALS).is_dir():
            files = list(walk(trials))
            yield from Judge(trials, self.checkout, self.history).everything(files, set(files))
        yield from append_only(folder, self.history)

    def _reproduction(self, path: Path) -> Iterator[Problem]:
        if problems := again.problems_in(path):
            yield from problems
            return

        found = again.read(path)
        file = record_path(self.results, found.suite, found.method, found.seed)
        if irregular(file):
            yield Problem(path, FILE, f"is of {file.relative_to(self.results)}, which is not there", "Add the record.")
        elif record := read(file)[0]:
            yield from again.problems_in(path, record)

    def facts(self, path: Path, record: Record, settled: bool, withdrawn: bool) -> Facts:
        """The record in short, under the folder that it lies in."""
        place = path.relative_to(self.results).parts
        return facts_of(path, "/".join(place[1:-1]), record, settled, withdrawn)

    def withdrawn(self, path: Path, record: Record) -> tuple[bool, list[Problem]]:
        """Whether the record is withdrawn, and what is wrong with the document that says so."""
        try:
            found = withdrawal_of(path, record)
            if found and self.history.has(path) and not self.history.has(withdrawal_path(path)):
                check_seconded(path, found)  # what is on main already was seconded when it came
            return found is not None, []
        except UserError as error:
            return False, [self._unreadable(path, str(error))]

    def _unreadable(self, path: Path, message: str) -> Problem:
        """The error of a withdrawal, or of the second person's word on it, which names its file first."""
        second = second_path(path)
        file = second if str(second) in message.partition(": ")[0] else withdrawal_path(path)
        return replace(unreadable(file, message), remedy=WITHDRAW)

    def examined(self, path: Path, record: Record, settled: bool) -> Iterator[Problem]:
        """What all rules say of one record."""
        case = Case(path, record, self.checkout.plain_suites)
        yield from examine(case)

        try:
            suite = self.checkout.resolved(record)
        except UserError as error:
            yield case.problem("suite.overrides", str(error).rstrip("."))
            return

        if suite is not None:
            subject = Subject(case, suite, self.checkout, settled)
            yield from (problem for rule in RULES for problem in rule(subject))


def _inside(results: Path, path: Path) -> Path:
    """A path from the store's root. UserError for one that is not there or lies outside."""
    full = path.absolute()
    place = full.parent.resolve() / full.name if full.name else full
    if not place.is_relative_to(results.resolve()):
        raise UserError(f"{path} is not in {results}. Name what is in it, or another store with --results DIR.")
    if not path.exists() and not path.is_symlink():
        raise UserError(f"there is no {path}. Name a record or a folder of {results}.")
    return place.relative_to(results.resolve())


def _below(place: Path, wanted: Path) -> bool:
    return place == wanted or wanted in place.parents


def _concerns(place: Path, wanted: Iterable[Path]) -> bool:
    """Whether a file lies in the suite of what is wanted: records are compared within it."""
    return any(not path.parts or path.parts[0] == place.parts[0] for path in wanted)


def _asked(results: Path, problem: Problem, wanted: Sequence[Path]) -> bool:
    """Whether a problem is of what is wanted, or of a folder around it."""
    if not wanted:
        return True
    full = problem.file.absolute()
    place = full.parent.resolve() / full.name
    place = place.relative_to(results.resolve())
    return any(_below(place, each) or (problem.field != FILE and _below(each, place)) for each in wanted)
