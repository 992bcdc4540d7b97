"""A plan: the runs that words ask for, what the store has of them, and what the rest will cost."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from bench.errors import UserError
from bench.request.request import RESULTS
from bench.sweeps.estimates import Estimate, Estimates, finish
from bench.sweeps.runs import STATES, Run, Status, resolve, status_of
from bench.sweeps.words import Options, parse

WORKERS = 2
"""Runs at once on one machine, if nothing else is said."""


@dataclass(frozen=True)
class Entry:
    """A run of a plan, its state in the store, and what it will cost."""

    run: Run
    status: Status
    estimate: Estimate

    @property
    def wanted(self) -> bool:
        """Whether the run is not done and may be run; one that another process is running counts."""
        return self.status.state != "done" and not self.status.committed


@dataclass(frozen=True)
class Plan:
    """Runs in the order they are begun."""

    entries: list[Entry]
    left_out: list[str]
    """Why combinations that `all` names are no runs."""
    options: Options

    @property
    def wanted(self) -> list[Entry]:
        """What is not done."""
        return [entry for entry in self.entries if entry.wanted]

    @property
    def refused(self) -> list[Entry]:
        """What is not done, and is not run: its record is committed, or cannot be read."""
        return [entry for entry in self.entries if entry.status.committed]

    @property
    def counts(self) -> dict[str, int]:
        """Number of runs by state."""
        states = [entry.status.state for entry in self.entries]
        return {state: states.count(state) for state in STATES}

    @property
    def workers(self) -> int:
        """Runs at once."""
        return self.options.workers or WORKERS


@dataclass(frozen=True)
class Cost:
    """What a plan has still to spend."""

    runs: int
    unknown: int
    """Runs of which no estimate is known."""
    seconds: float
    """Seconds of one worker, over the runs with an estimate."""
    finish: float
    """Wall seconds with the plan's workers; runs without an estimate count as the mean of the others."""
    memory: int
    """Bytes, if the largest runs are executed at once."""


def plan(words: Iterable[str]) -> Plan:
    """The plan of the words of `bench plan`. UserError says what is wrong with a word, before anything is run."""
    wishes, options = parse(words)
    if any(wish.request.dry_run for wish in wishes):
        raise UserError("dry_run=true is for `bench run`; here, `bench plan` is what runs nothing.")
    runs, left_out = resolve(wishes)
    estimates = Estimates([*{run.store for run in runs}, RESULTS])
    return Plan([Entry(run, status_of(run), estimates.of(run)) for run in runs], left_out, options)


def cost(plan: Plan) -> Cost:
    """What the runs that are not done will take."""
    known = [entry.estimate.seconds for entry in plan.wanted if entry.estimate.seconds is not None]
    mean = sum(known) / len(known) if known else 0.0
    each = [mean if entry.estimate.seconds is None else entry.estimate.seconds for entry in plan.wanted]
    memory = sorted((entry.estimate.memory or 0 for entry in plan.wanted), reverse=True)
    return Cost(
        runs=len(plan.wanted),
        unknown=len(plan.wanted) - len(known),
        seconds=sum(known),
        finish=finish(each, plan.workers),
        memory=sum(memory[: plan.workers]),
    )


def plan_json(plan: Plan) -> dict[str, Any]:
    """The plan as JSON: every run with its words, state and estimate; counts; what is left to spend."""
    return {
        "runs": [
            {
                "suite": entry.run.suite,
                "method": entry.run.method,
                "seed": entry.run.seed,
                "state": entry.status.state,
                "reason": entry.status.reason,
                "identity": entry.run.identity,
                "record": str(entry.run.path),
                "words": list(entry.run.words),
                "command": entry.run.command,
                "seconds": entry.estimate.seconds,
                "basis": entry.estimate.basis,
            }
            for entry in plan.entries
        ],
        "left_out": plan.left_out,
        "counts": plan.counts,
        "workers": plan.workers,
        "cost": asdict(cost(plan)),
    }
