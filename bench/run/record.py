"""The record of what happened in a run."""

from datetime import datetime

from bench.models.devices import accelerator
from bench.models.templates import TODAY, prints_the_date
from bench.protocol import PROTOCOL
from bench.records.fields import LONGEST_TEXT
from bench.records.provenance import provenance
from bench.records.rules import printable
from bench.records.schema import ModelUse, Record, SuiteUse, TaskResult
from bench.records.store import outcome_digest
from bench.run.session import Session


def record_of(session: Session) -> Record:
    """The record of a session that was trained and evaluated, with its outcome digest."""
    prepared = session.prepared
    suite = session.suite
    standing = session.standing
    data = {
        "protocol": PROTOCOL,
        "normaliser": normaliser(session),
        "identity": prepared.identity,
        "suite": SuiteUse(name=suite.name, digest=suite.digest, overrides=prepared.request.overrides, file=suite.file),
        "seed": session.seed,
        "method": prepared.use,
        "model": _model_use(session),
        "status": standing.status,
        # What a method says of its failure is text of a stranger, of any length.
        "reason": printable(standing.reason)[:LONGEST_TEXT],
        "tasks": [_task_result(session, index) for index in range(len(prepared.tasks))],
        "ledger": standing.spent,
        "budget": suite.budget,
        "curves": session.probe.curves(prepared.order),
        "provenance": provenance(
            datetime.fromisoformat(standing.started),
            standing.ended(),
            suite.recipe.threads,
            accelerator(),
            session.world.size,
            session.held_out.way if standing.final else "",
            session.confinement.way,
        ),
        "packing": session.training.prefixes.said if suite.regime == "grpo" else "",
        "standard": session.held_out.standard,
        "signal_to_noise": session.probe.signal_to_noise(prepared.order),
        "outcome_digest": "0" * 64,
    }

    # The digest is of the record's own JSON form, so a draft is made first.
    draft = Record.model_validate(data)
    return draft.model_copy(update={"outcome_digest": outcome_digest(draft.model_dump(mode="json"))})


def _model_use(session: Session) -> ModelUse:
    return ModelUse(
        name=session.suite.model,
        digest=session.prepared.model,
        parameters=sum(parameter.numel() for parameter in session.model.parameters()),
        final_digest=session.final_digest,
        trained=session.training.trained if session.suite.lora.r else None,
        prompt_date=TODAY.date().isoformat() if prints_the_date(session.tokenizer) else None,
    )


def _task_result(session: Session, index: int) -> TaskResult:
    """The scores of a task, by its place in the suite's order."""
    prepared = session.prepared
    task = prepared.tasks[index]
    return TaskResult(
        **prepared.data[index],
        domain=task.domain,
        position=prepared.order.index(index),
        scored=task.name in session.suite.scored_tasks,
        before=session.held_out.before[task.name],
        after=session.standing.after.get(task.name),
        attempts=session.held_out.attempts.get(task.name),
    )


def normaliser(session: Session) -> str:
    """How the loss of a run is normalised, in words."""
    if session.suite.regime == "sft":
        return "token mean: every answer token of a task's batch counts the same (SFT)"
    if session.confinement.weights_tokens:
        return f"token weights of {session.prepared.method.card.name}"
    return "per-sequence mean: each completion counts the same, a token 1 / length (GRPO)"
