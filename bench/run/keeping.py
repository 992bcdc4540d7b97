"""What `save_model=DIR` asks for: the trained model as a checkpoint, one a task where a plan ends so.

It is no part of a run's identity. What speaks against it is said before anything is trained.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from torch import Tensor

from bench.errors import UserError
from bench.models.kept import bytes_of, keep
from bench.records.schema import Record, TaskResult
from bench.request.suite import EMBEDDED

if TYPE_CHECKING:
    from bench.run.session import Session

MARGIN = 1.1
"""Room that is asked for, over the weights' own."""


def check_room(session: "Session") -> None:
    """UserError if the models that the run may end with do not fit the disk, or the folder cannot be made."""
    folder = session.prepared.request.save_model
    if folder is None or not session.world.first:
        return

    models = len(session.prepared.tasks) if session.prepared.method.acts_on("RunPlan") else 1
    needed = int(MARGIN * models * bytes_of(session.model))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise UserError(f"save_model={folder}: {error.strerror}. Name a folder you may write to.") from None
    if free < needed:
        raise UserError(
            f"save_model={folder}: up to {needed / 2**20:,.0f} MiB are needed there, and {free / 2**20:,.0f} MiB are "
            "free. Free some space, or name a folder on another disk."
        )


def keep_models(session: "Session", record: Record) -> list[Path]:
    """Write the final models, whose record is written already; the folders of those written.

    UserError if one cannot be written. Nothing is kept of a run that failed.
    """
    folder = session.prepared.request.save_model
    if folder is None or record.status == "failed":
        return []

    written = []
    try:
        for parameters, place, results in _models(session, record, folder):
            session.training.gradients.set_parameters(parameters)
            keep(session.model, session.tokenizer, session.suite, place, card(record, results))
            written.append(place)
    except OSError as error:
        raise UserError(
            f"the record is in {session.prepared.path}, and its model could not be written to {folder}: "
            f"{error.strerror or error}. Free some space and run it again with store=DIR."
        ) from None
    return written


def _models(session: "Session", record: Record, folder: Path) -> Iterator[tuple[Tensor, Path, list[TaskResult]]]:
    """Parameters of each final model, its folder, and the results of the tasks that it was scored on."""
    final = session.standing.final
    if len(final) == 1:
        yield final[0], folder, record.tasks
        return
    by_name = {task.name: task for task in record.tasks}
    for parameters, task in zip(final, session.training.tasks, strict=True):
        yield parameters, folder / task.name, [by_name[task.name]]


def card(record: Record, results: list[TaskResult]) -> str:
    """The model card: where the model is from, and what its record says of it."""
    base = record.model.name
    adapter = record.model.trained is not None
    hub = base.count("/") == 1 and base[:1] not in "./~"
    wrapper = f" in {record.method.wrapper.name}" if record.method.wrapper else ""
    rows = [
        f"| {task.name} | {task.before.mean:.3f} | {task.after.mean:.3f} | {task.gain:+.3f} |"
        for task in results
        if task.after
    ]
    loaded = "the adapter over its base" if adapter else "the whole model"
    return "\n".join(
        [
            "---",
            *([f"base_model: {base}"] if hub else []),
            f"library_name: {'peft' if adapter else 'transformers'}",
            "tags: [balancebench]",
            "---",
            "",
            f"# {base}, trained with {record.method.name}{wrapper} on {record.suite.name}",
            "",
            f"`AutoModelForCausalLM.from_pretrained` of this folder loads {loaded}. {_tokenizer(base)}",
            "",
            "| task | before | after | gain |",
            "|---|---|---|---|",
            *rows,
            "",
            "Mean reward on held-out items, sampled at the training temperature.",
            "",
            f"- Method: {record.method.name}, version {record.method.version}, settings {record.method.settings}.",
            f"- Suite: {record.suite.name}, digest {record.suite.digest[:12]}, seed {record.seed}; {record.status}.",
            f"- Spent: {record.ledger.steps} steps, {record.ledger.rollouts:,} rollouts, "
            f"{record.ledger.trained_tokens:,} tokens trained on.",
            f"- Run: identity {record.identity[:12]}, harness {record.provenance.harness_version}, commit "
            f"{record.provenance.commit[:12]}.",
            "",
        ]
    )


def _tokenizer(base: str) -> str:
    if base not in EMBEDDED:
        return "Its tokenizer lies beside it."
    return (
        "Load its tokenizer with `PreTrainedTokenizerFast.from_pretrained`: the automatic class would give it another "
        "pre-tokeniser, that of Qwen2."
    )
