"""The story of one run, top to bottom: configure, address, prepare, train, evaluate, record.

Read this file first, then `bench/training/training.py`, whose `stage` trains, and `bench/training/step.py`, the
balanced step. `bench/run/session.py` holds what the phases act on. The training stack, seconds of imports, is loaded
where the run begins: a usage error and a finished run are answered without it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bench.errors import RunFailed
from bench.records.schema import Record
from bench.records.store import digest_of, to_text, write
from bench.request.request import Request
from bench.run.existing import check_empty, check_kept, finished, lock_run, remove_checkpoints
from bench.run.prepare import prepare
from bench.run.progress import Watcher

if TYPE_CHECKING:
    from bench.run.session import Session


@dataclass(frozen=True)
class Finished:
    """A run's record and where it is; fresh: it was run now, not found."""

    record: Record
    path: Path
    fresh: bool


def run(request: Request, watcher: Watcher) -> Finished | None:
    """Run what is asked, or find it finished. UserError if it cannot start; a failed run is a record too.

    A run that was interrupted continues where it was saved. None in a process that trains along with the one that
    writes the record.
    """
    # Configure and address: check what can be checked without a model, and look the run up by its identity.
    prepared = prepare(request)
    if record := finished(prepared):
        remove_checkpoints(prepared)  # of a process that ended before it could
        check_kept(request, prepared.path)
        return Finished(record, prepared.path, fresh=False)
    check_empty(request)

    # Prepare: meet the other processes, keep everyone else away from this run, load the model and measure it.
    from bench.models.devices import join
    from bench.run.keeping import check_room, keep_models
    from bench.run.record import record_of
    from bench.run.session import Session
    from bench.training.trl.common import prompts_per_process

    world = join()
    prompts_per_process(len(prepared.tasks) * request.suite.recipe.prompts_per_task)
    with lock_run(prepared, world.first):
        if world.size == 1 and (record := finished(prepared)):  # by another process, while this one prepared
            return Finished(record, prepared.path, fresh=False)
        session = Session(prepared, watcher)
        check_room(session)

        train(session)
        evaluate(session)
        session.held_out.close()

        # Record: one JSON document, written atomically by the first process.
        if not world.first:
            return None
        record = record_of(session)
        write(prepared.path, to_text(record))
        session.checkpoints.remove()
        keep_models(session, record)
    return Finished(record, prepared.path, fresh=True)


def train(session: "Session") -> None:
    """Train to the suite's last step or to the end of the budget.

    Every step is counted by the ledger and measured by the probe, inside `Training.stage`.
    """
    from bench.training.stages import carry_out
    from methods import RunPlan

    session.resume()
    if session.standing.status:  # training was over when an earlier attempt was saved
        return

    training = session.training
    standing = session.standing
    steps = session.suite.recipe.steps
    method = session.start(session.prepared.method, "method")
    try:
        if isinstance(method, RunPlan):
            standing.final, early = carry_out(method, training)
        else:
            around = session.around(method)
            early = training.stage(method, around, steps=steps, prompts=training.prompts, seed=session.seed, final=True)
            standing.final = [training.gradients.parameters_now()]
        standing.status = "over_budget" if early else "done"
        standing.reason = f"{early} at step {session.ledger.steps} of {steps}." if early else ""
    except RunFailed as failure:
        standing.fail(failure)
    session.close_training()


def evaluate(session: "Session") -> None:
    """Score the final model on the held-out items, or each task's own model on its task, unless training failed."""
    final = session.standing.final
    if not final:
        return
    session.watcher.phase("evaluate")

    everything = [session.prepared.tasks] if len(final) == 1 else [[task] for task in session.training.tasks]
    digests = []
    try:
        for parameters, tasks in zip(final, everything, strict=True):
            digests.append(session.put(parameters))
            session.score(tasks)
    except RunFailed as failure:
        session.standing.fail(failure)
        return

    if len(final) == 1:
        session.held_out.finish()
    session.final_digest = digests[0] if len(final) == 1 else digest_of(digests)
