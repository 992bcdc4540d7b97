"""The story of a sweep: plan, run what is not done, say what became of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.errors import UserError
from bench.sweeps.local import LocalBackend
from bench.sweeps.plan import Entry, Plan, plan
from bench.sweeps.process import BENCH_RUN
from bench.sweeps.scheduler import Backend, Outcome, Reporter, Scheduler

RETRIES = {"local": 0, "ray": 2}
"""What is lost on this machine is lost for a reason; a node of a cluster may go at any time."""


@dataclass(frozen=True)
class Summary:
    """What became of a plan."""

    found: list[Entry]
    """Done before."""
    refused: list[Entry]
    """Not run: its record is committed, or cannot be read."""
    outcomes: list[Outcome]
    not_begun: int
    trouble: str
    """Why nothing more could be begun, or ''."""
    interrupted: bool

    @property
    def missing(self) -> list[Outcome]:
        """Runs that failed or were interrupted."""
        return [outcome for outcome in self.outcomes if outcome.result != "done"]

    @property
    def exit_code(self) -> int:
        """0 if every run of the plan is done."""
        return 1 if self.missing or self.refused or self.not_begun or self.interrupted else 0


def sweep(words: Iterable[str], reporter: Reporter, command: Sequence[str] = BENCH_RUN) -> Summary:
    """Run what words of `bench sweep` ask for. UserError if it cannot start.

    reporter: is told what happens; command: what a run's words follow.
    """
    return carry_out(plan(words), reporter, command)


def carry_out(plan: Plan, reporter: Reporter, command: Sequence[str] = BENCH_RUN) -> Summary:
    """Run what is not done of a plan."""
    if plan.options.slurm:
        raise UserError("slurm.* options are for `bench plan ... --slurm DIR`, which writes a job array.")

    wanted = [entry.run for entry in plan.wanted]
    found = [entry for entry in plan.entries if entry.status.state == "done"]
    if not wanted:
        return Summary(found, plan.refused, [], 0, "", interrupted=False)

    retries = RETRIES[plan.options.backend] if plan.options.retries is None else plan.options.retries
    scheduler = Scheduler(wanted, backend_of(plan, retries, command), reporter, retries)
    outcomes = scheduler.execute()

    return Summary(found, plan.refused, outcomes, len(wanted) - len(outcomes), scheduler.trouble, scheduler.interrupted)


def backend_of(plan: Plan, retries: int, command: Sequence[str]) -> Backend:
    """The backend that a plan's options name, connected."""
    options = plan.options
    if options.backend == "local":
        return LocalBackend(plan.workers, options.timeout, command)
    from bench.sweeps.ray_backend import RayBackend

    return RayBackend(options, retries, command)
