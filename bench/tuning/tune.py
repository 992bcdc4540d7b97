"""The story of a tuning: draw the points, run what is not run, choose, write.

Every trial is an ordinary exploratory run, in the store below the tunings; the same words resume after a crash.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bench.errors import UserError
from bench.records.provenance import is_tracked
from bench.records.schema import Record
from bench.records.store import write
from bench.records.tuning import Trial, TrialRun, Tuning, choose, place_of, read, to_text
from bench.request.request import RESULTS
from bench.sweeps.estimates import Estimates
from bench.sweeps.plan import Entry, Plan
from bench.sweeps.process import BENCH_RUN
from bench.sweeps.runs import Run, Status, recorded, resolve, status_of
from bench.sweeps.scheduler import Reporter
from bench.sweeps.sweep import Summary, carry_out
from bench.tuning.words import Asked, Draft
from methods import _registry as methods


@dataclass(frozen=True)
class Trials:
    """The runs of one method's trials: [trial][seed]."""

    draft: Draft
    runs: Sequence[Sequence[Run]]


@dataclass(frozen=True)
class Tuned:
    """What became of one method: its tuning, or the runs that have no record yet."""

    draft: Draft
    tuning: Tuning | None
    missing: Sequence[Run]


def trials_of(asked: Asked) -> list[Trials]:
    """The runs that are asked for, with their addresses. UserError as `prepare` gives it, or for a committed tuning."""
    for draft in asked.drafts:
        _stays(draft, asked)
    runs = resolve([wish for draft in asked.drafts for wishes in draft.wishes for wish in wishes])[0]
    known = {run.words: run for run in runs}
    return [
        Trials(draft, [[known[wish.words] for wish in wishes] for wishes in draft.wishes]) for draft in asked.drafts
    ]


def _stays(draft: Draft, asked: Asked) -> None:
    """UserError if another tuning is committed where this one would lie: tuned results name it."""
    if not draft.path.exists() or not is_tracked(draft.path):
        return
    found = read(draft.path)
    same = (found.version, found.seeds, found.items, len(found.trials), found.suite_digest)
    if same != (draft.card.version, list(asked.seeds), asked.items, len(draft.points), asked.suite.digest):
        raise UserError(
            f"{draft.path} is committed, with {len(found.trials)} trials of version {found.version} on {found.items} "
            f"items and seeds {found.seeds}. It stays, because tuned results name it; say tuned=DIR to tune elsewhere."
        )


def plan_of(asked: Asked, trials: Sequence[Trials]) -> Plan:
    """All runs as a plan. A trial that failed is done: its failure is its result."""
    estimates = Estimates([RESULTS, *{run.store for each in trials for runs in each.runs for run in runs}])
    entries = []
    for each in trials:
        for run in (run for runs in each.runs for run in runs):
            status = status_of(run)
            status = Status("done", record=status.record) if status.record else status
            plain = replace(run, suite=asked.suite.name, digest=asked.suite.digest, method=each.draft.card.name)
            entries.append(Entry(run, status, estimates.of(plain)))

    return Plan(entries, [], asked.options)


def tune(
    asked: Asked, reporter: Reporter, command: Sequence[str] = BENCH_RUN, trials: Sequence[Trials] | None = None
) -> tuple[Summary, list[Tuned]]:
    """Run the trials that have no record, and write the tuning of each method that then has all. UserError as above."""
    trials = trials_of(asked) if trials is None else trials
    summary = carry_out(plan_of(asked, trials), reporter, command)
    found = [settle(asked, each) for each in trials]
    for each in found:
        if each.tuning:
            write(each.draft.path, to_text(each.tuning))
    return summary, found


def settle(asked: Asked, trials: Trials) -> Tuned:
    """The choice among a method's trials, if each has its record."""
    draft = trials.draft
    protocol = 0
    records = {run.path: recorded(run).record for runs in trials.runs for run in runs}
    missing = [run for runs in trials.runs for run in runs if records[run.path] is None]
    if missing:
        return Tuned(draft, None, missing)

    outcomes = []
    for point, runs in zip(draft.points, trials.runs, strict=True):
        measured = [record for run in runs if (record := records[run.path])]
        protocol = measured[0].protocol
        settings = measured[0].method.settings
        assert settings == point.settings, f"{settings} was run, {point.settings} was drawn"
        outcomes.append(
            Trial(settings=settings, learning_rate=point.learning_rate, runs=[outcome_of(each) for each in measured])
        )

    tuning = Tuning(
        protocol=protocol,
        suite=asked.suite.name,
        suite_digest=asked.suite.digest,
        method=draft.card.name,
        version=draft.card.version,
        source_digest=methods.source_digest(draft.card.path),
        seeds=list(asked.seeds),
        items=asked.items,
        skip=asked.skip,
        space=draft.space.dimensions,
        trials=outcomes,
        chosen=choose(outcomes),
    )
    _check_places(tuning, trials)
    return Tuned(draft, tuning, [])


def outcome_of(record: Record) -> TrialRun:
    """What a tuning keeps of a trial's record."""
    return TrialRun(
        seed=record.seed,
        identity=record.identity,
        outcome=record.outcome_digest,
        status=record.status,
        gain=record.mean_gain,
    )


def _check_places(tuning: Tuning, trials: Trials) -> None:
    """Whoever reads the tuning finds the records."""
    for trial, runs in zip(tuning.trials, trials.runs, strict=True):
        places = [place_of(tuning, trial, run.seed) for run in runs]
        assert places == [run.path.relative_to(run.store) for run in runs], f"{places} is not where the records are"
