"""The tuned track: a record has the settings and learning rate that its tuning chose, from trials that are there."""

from collections.abc import Iterator
from pathlib import Path

from bench.errors import UserError
from bench.records import tuning
from bench.records.rules import FILE, Problem
from bench.records.rules.text import irregular, unreadable
from bench.records.schema import Record
from bench.records.store import read
from bench.records.track import FIRST_SEED, RATE, is_tuned
from bench.records.tuning import Tuning
from bench.validation.checkout import Checkout
from bench.validation.code import declared_by, settings_faults
from bench.validation.points import points
from bench.validation.subject import Rule, Subject
from methods._cards import MethodCard
from methods._declared import defaults

AGAIN = "Tune again with `bench tune`; do not edit its files."


def tuned(subject: Subject) -> Iterator[Problem]:
    """A tuned record names its tuning, and has what that chose; any other record names none."""
    record = subject.record
    use = record.method.tuning
    if (use is not None) != is_tuned(record.suite.name):
        yield subject.problem("method.tuning", f"is {use} in suite {record.suite.name}")
    if use is None:
        return

    base = subject.checkout.base(record)
    path = tuning.path_of(subject.checkout.tuned, base.name if base else "", record.method.name)
    if irregular(path):
        yield subject.problem("method.tuning", "its tuning is not in tuned/", "Add the file and its trials.")
        return

    try:
        found = tuning.read(path)
    except UserError:  # the file's own problem
        return

    for field, mine, its in _quoted(record, found):
        if mine != its:
            yield subject.problem(field, f"is {mine}, its tuning has {its}")


def _quoted(record: Record, found: Tuning) -> Iterator[tuple[str, object, object]]:
    """What a tuned record has of its tuning, by field, and what the tuning has."""
    method = record.method
    yield "method.tuning", method.tuning, found.use
    yield "method.version", method.version, found.version
    yield "method.source_digest", method.source_digest, found.source_digest
    yield "method.settings", method.settings, found.best.settings
    yield "suite.overrides", record.suite.overrides, found.overrides
    yield "method.wrapper", method.wrapper, found.wrapper


TUNED: tuple[Rule, ...] = (tuned,)


def problems(folder: Path, checkout: Checkout) -> Iterator[Problem]:
    """What is wrong with the tuning files of a folder; the records of their trials are judged as any store."""
    for path in sorted(folder.rglob("*")):
        place = path.relative_to(folder)
        if place.parts[0] == tuning.TRIALS or (path.is_dir() and not path.is_symlink()):
            continue

        if problem := irregular(path):
            yield problem
            continue
        try:
            found = tuning.read(path)
        except UserError as error:
            yield unreadable(path, str(error))
            continue

        yield from _tuning(path, place, found, checkout)
        yield from _trials(path, folder / tuning.TRIALS, found)


def _tuning(path: Path, place: Path, found: Tuning, checkout: Checkout) -> Iterator[Problem]:
    """The file by itself, and by its suite and method."""
    if tuning.path_of(Path(), found.suite, found.method) != place:
        yield Problem(path, FILE, f"is the tuning of {found.method} on {found.suite}", "Move it back.")
    # The digest is over the contents; were the bytes free, one tuning could lie there in two ways.
    if path.read_bytes() != tuning.to_text(found).encode():
        yield Problem(path, FILE, "is not as the harness writes it", AGAIN)

    if found.chosen != (best := tuning.choose(found.trials)):
        yield Problem(path, "chosen", f"is {found.chosen}, trial {best} has the largest gain", AGAIN)
    if min(found.seeds) < FIRST_SEED or len(set(found.seeds)) < len(found.seeds):
        yield Problem(path, "seeds", f"are {found.seeds}; tuning seeds begin at {FIRST_SEED}", AGAIN)

    yield from _of_suite(path, found, checkout)
    yield from _of_method(path, found, checkout)
    yield from points(path, found, checkout)


def _of_suite(path: Path, found: Tuning, checkout: Checkout) -> Iterator[Problem]:
    suite = checkout.suites.get(found.suite)
    if suite is None or suite.digest != found.suite_digest:
        yield Problem(path, "suite_digest", f"is not that of suites/{found.suite}.yaml", AGAIN)
        return

    if found.skip < suite.evaluation.items:
        yield Problem(path, "skip", f"is {found.skip}; {suite.evaluation.items} held-out items are reported", AGAIN)
    if found.trials[0].learning_rate != suite.recipe.learning_rate:
        said = f"is {found.trials[0].learning_rate:g}, the suite has {suite.recipe.learning_rate:g}"
        yield Problem(path, "trials.0.learning_rate", said, AGAIN)


def _of_method(path: Path, found: Tuning, checkout: Checkout) -> Iterator[Problem]:
    suite = checkout.suites.get(found.suite)
    card = checkout.cards.get(found.method)

    if card is None or (found.version == card.version and found.source_digest not in checkout.digests(card)):
        yield Problem(path, "source_digest", f"is not that of a method {found.method}", AGAIN)
    elif found.version == card.version:
        for index, trial in enumerate(found.trials):
            for name, said in settings_faults(checkout, card, trial.settings, len(suite.tasks) if suite else 0):
                yield Problem(path, f"trials.{index}.settings.{name}", said, AGAIN)
        if trial_differs(checkout, card, found):
            yield Problem(path, "trials.0.settings", "are not the defaults, which every tuning begins with", AGAIN)


def trial_differs(checkout: Checkout, card: MethodCard, found: Tuning) -> bool:
    """Whether the first trial has other settings than the defaults."""
    declared = declared_by(checkout, card)
    return declared is not None and found.trials[0].settings != defaults(declared)


def _trials(path: Path, store: Path, found: Tuning) -> Iterator[Problem]:
    """Every trial has its runs, one a tuning seed, and each is the run of a record that is there."""
    for index, trial in enumerate(found.trials):
        if [run.seed for run in trial.runs] != found.seeds:
            yield Problem(path, f"trials.{index}.runs", f"are not of the seeds {found.seeds}", AGAIN)

        for run in trial.runs:
            file = store / tuning.place_of(found, trial, run.seed)
            field = f"trials.{index}.runs.{run.seed}"
            if irregular(file):
                yield Problem(
                    path, field, f"its record {file.relative_to(store)} is not there", "Add it; a trial is a run."
                )
                continue
            try:
                record = read(file)
            except UserError:  # the record's own problem
                continue

            here = (run.identity, run.outcome, run.status, run.gain)
            there = (record.identity, record.outcome_digest, record.status, record.mean_gain)
            rate = record.suite.overrides.get(RATE, found.trials[0].learning_rate)
            if here != there or (trial.settings, trial.learning_rate) != (record.method.settings, rate):
                yield Problem(path, field, f"is not what {file.relative_to(store)} says", AGAIN)
