"""Rules that one record keeps by itself: its place, its digests, its tasks, its budget.

Rules that need a suite say nothing where these are not given, so that a site can be built from the records alone.
"""

import math
import re
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from bench.records import store
from bench.records.rules.case import LARGEST, RERUN, Case, Problem
from bench.records.schema import CURVE_GENERATIONS, OPTIONAL_CURVES, Budget, Curves
from bench.records.track import RATE, is_tuned
from bench.records.windows import PER_RUN

VARIANT = re.compile(r"[+][0-9a-f]{8}$")
"""What follows a method's name in a path when settings are not the defaults."""

MANY = 5.0
"""Standard errors between two samples of one quantity that are no chance."""


def location(case: Case) -> Iterator[Problem]:
    """The file lies at <suite>/<method>/<seed>.json of its own suite, method and seed."""
    record = case.record
    depth = record.method.name.count("/") + 1
    parts = ("",) * (depth + 2) + case.path.absolute().with_suffix("").parts
    suite = parts[-depth - 2]
    method = "/".join(parts[-depth - 1 : -1])
    seed = parts[-1]
    remedy = "Move the file back to where the harness wrote it."

    if suite != record.suite.name:
        yield case.problem("suite.name", f"is {record.suite.name!r}, the folder is {suite!r}", remedy)

    # A folder may carry the mark of its settings, which `bench.validation.code.folder` recomputes.
    name = record.method.name + (f"@{record.method.wrapper.name}" if record.method.wrapper else "")
    if name not in (method, VARIANT.sub("", method)):
        yield case.problem("method.name", f"is {name!r}, the folder is {method!r}", remedy)
    if seed != str(record.seed):
        yield case.problem("seed", f"is {record.seed}, the file is {case.path.name}", remedy)


def known_suite(case: Case) -> Iterator[Problem]:
    """The suite exists and prescribes the seed."""
    if case.suites is None:
        return
    if case.record.suite.file is not None:
        reason = f"{case.record.suite.name!r} is a file of somebody's own, so that the record is exploratory"
        yield case.problem(
            "suite.file", reason, "Keep it in a store of your own; a suite of the project is in suites/."
        )
        return

    if case.suite is None:
        known = ", ".join(sorted(case.suites))
        yield case.problem(
            "suite.name", f"no suite {case.record.suite.name!r}; known: {known}", "Add its file to suites/."
        )
    elif case.official and case.record.seed not in case.suite.get("seeds", [case.record.seed]):
        allowed = ", ".join(map(str, case.suite["seeds"]))
        yield case.problem("seed", f"{case.record.seed} is not one of {allowed}", "Run a prescribed seed.")


def exploratory(case: Case) -> Iterator[Problem]:
    """Overrides and the mark of an exploratory suite, `~`, come together; the tuned track changes the learning rate."""
    marked = not case.official
    overrides = set(case.record.suite.overrides)
    if is_tuned(case.record.suite.name):
        overrides -= {RATE}
    if marked != bool(overrides):
        reason = f"{len(overrides)} overrides under the suite name {case.record.suite.name!r}"
        yield case.problem("suite.overrides", reason, "Run without overrides for the leaderboard.")


def identity(case: Case) -> Iterator[Problem]:
    """The identity is the hash of what the record names: suite, model, tasks, method, settings, seed."""
    expected = store.identity_of(case.record.model_dump(mode="json", exclude={"curves", "provenance"}))
    if expected != case.record.identity:
        reason = f"is {case.record.identity[:12]}, suite, model, tasks, method and seed give {expected[:12]}"
        yield case.problem("identity", reason, RERUN)


def outcome(case: Case) -> Iterator[Problem]:
    """The outcome digest recomputes."""
    expected = store.outcome_digest(case.record.model_dump(mode="json"))
    if expected != case.record.outcome_digest:
        reason = f"is {case.record.outcome_digest[:12]}, the record's contents give {expected[:12]}"
        yield case.problem("outcome_digest", reason, RERUN)


def tasks(case: Case) -> Iterator[Problem]:
    """Task names differ, and blind positions are a permutation of 0..K-1."""
    results = case.record.tasks
    names = [task.name for task in results]
    positions = sorted(task.position for task in results)
    if len(set(names)) != len(names):
        yield case.problem("tasks", f"a name appears twice: {', '.join(names)}", "Name each task once.")
    if positions != list(range(len(results))):
        yield case.problem("tasks", f"positions {positions} are no order of the tasks", "Run it again.")


def evaluated(case: Case) -> Iterator[Problem]:
    """A run that is done has no reason and measured every task; any other says why it is not done."""
    record = case.record
    missing = [task.name for task in record.tasks if task.after is None]
    if record.status == "done" and missing:
        yield case.problem("tasks", f"status is done, but {', '.join(missing)} has no score", "Run it again.")
    if (record.status == "done") == bool(record.reason):
        yield case.problem("reason", f"is {record.reason!r} with status {record.status}", "Say why, or nothing.")


def attempts(case: Case) -> Iterator[Problem]:
    """pass@1 of the base model is near its held-out score, of which it is another sample."""
    for task in case.record.tasks:
        tried = task.attempts
        if tried is None:
            continue

        # An item's own mean varies by at most p (1 - p) over items, whatever the number of its replies.
        p = (tried.at_1 * tried.items + task.before.mean * task.before.count) / (tried.items + task.before.count)
        error = math.sqrt(p * (1 - p) * (1 / tried.items + 1 / task.before.count))
        if abs(tried.at_1 - task.before.mean) > MANY * error:
            reason = f"pass@1 of {task.name} is {tried.at_1:.3f}, its base score {task.before.mean:.3f}"
            yield case.problem("tasks.attempts", reason, "Look how the base model was sampled.", "warning")


def curve_steps(case: Case) -> Iterator[Problem]:
    """Steps of the curves increase, start at 1 or later and end within the ledger."""
    steps = case.record.curves.steps
    if any(later <= earlier for earlier, later in zip([0, *steps], steps, strict=False)):
        yield case.problem("curves.steps", "do not increase from 1", "Run it again.")
    if steps and max(steps) > case.record.ledger.steps:
        reason = f"end at {max(steps)}, the ledger counts {case.record.ledger.steps}"
        yield case.problem("curves.steps", reason, "Run it again.")


def curve_shapes(case: Case) -> Iterator[Problem]:
    """Every point has one number a task, the Gramian one a pair."""
    count = len(case.record.tasks)

    for name in Curves.model_fields:
        if name == "steps" or name in PER_RUN:
            continue
        expected = count * (count - 1) // 2 if name == "gramian" else count
        if set(map(len, getattr(case.record.curves, name))) - {expected}:
            yield case.problem(f"curves.{name}", f"{count} tasks need {expected} numbers a point", "Run it again.")

    yield from _later_curves(case)


def _later_curves(case: Case) -> Iterator[Problem]:
    """Curves that came later come together, and with those before them."""
    present = [name for name in OPTIONAL_CURVES if getattr(case.record.curves, name)]
    needed = set[str]()
    for count, names in enumerate(CURVE_GENERATIONS, start=1):
        if set(names) & set(present):
            needed = set(chain(*CURVE_GENERATIONS[:count]))

    if missing := ", ".join(sorted(needed - set(present))):
        yield case.problem(f"curves.{present[0]}", f"comes without {missing}; they are kept together", "Run it again.")


def budget(case: Case) -> Iterator[Problem]:
    """The ledger stays within the budget; a run that is over budget used up at least one counter."""
    record = case.record
    reached = False

    # A run whose last step used a counter up exactly is over budget, too: the check comes after the step.
    for name in Budget.model_fields:
        limit = getattr(record.budget, name)
        used = getattr(record.ledger, name)
        reached |= limit is not None and used >= limit
        if limit is not None and used > limit and record.status != "over_budget":
            reason = f"{used:,} exceeds the budget of {limit:,} with status {record.status}"
            yield case.problem(f"ledger.{name}", reason, "The status must be over_budget.")

    if record.status == "over_budget" and not reached:
        yield case.problem("status", "is over_budget, but no counter reached its budget", "Run it again.")


def rollouts(case: Case) -> Iterator[Problem]:
    """Every prompt has the same number of rollouts, the suite's; every rollout has at least one token."""
    ledger = case.record.ledger
    suite = case.suite
    if case.record.status == "failed":  # it may have stopped between two counters
        return

    # Without a suite file, what the ledger itself implies is all that can be asked for.
    each = ledger.rollouts // ledger.prompts if ledger.prompts else 0
    if suite is not None and case.official:
        sft = suite.get("regime") == "sft"
        each = 0 if sft else suite.get("recipe", {}).get("rollouts_per_prompt", each)
    if ledger.rollouts != ledger.prompts * each or ledger.rollouts > ledger.sampled_tokens:
        reason = f"{ledger.rollouts} rollouts, {ledger.prompts} prompts, {ledger.sampled_tokens} tokens"
        yield case.problem("ledger.rollouts", f"{reason} do not go together", "Run it again.")


def magnitudes(case: Case) -> Iterator[Problem]:
    """Numbers whose squares and sums are finite, too."""
    for name in Curves.model_fields:
        if max(map(abs, numbers(getattr(case.record.curves, name))), default=0) > LARGEST:
            yield case.problem(f"curves.{name}", f"has a number beyond {LARGEST:g}", RERUN)
    durations = {
        "ledger.wall_seconds": case.record.ledger.wall_seconds,
        "provenance.total_seconds": case.record.provenance.total_seconds,
    }
    for name, seconds in durations.items():
        if seconds > LARGEST:
            yield case.problem(name, f"is beyond {LARGEST:g}", RERUN)


def numbers(points: Sequence[Any]) -> Iterator[float]:
    """What is not None or 0 in a curve of numbers or of lists of numbers."""
    nested = bool(points) and isinstance(points[0], list)
    return filter(None, chain.from_iterable(points) if nested else points)
