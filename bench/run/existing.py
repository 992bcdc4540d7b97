"""What a store holds of a run already: what is finished is shown, not repeated, and committed results stay."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from bench.errors import UserError
from bench.records.claims import claim
from bench.records.provenance import is_tracked
from bench.records.schema import Record
from bench.records.store import read
from bench.request.request import Request
from bench.run.prepare import Prepared

CHECKPOINTS = ".checkpoints"
"""`bench.training.checkpoint.keeper.FOLDER`, whose module needs torch; a test holds the two equal."""


def finished(prepared: Prepared) -> Record | None:
    """The finished run of the same identity, if the store has it; failed runs are run again.

    UserError if another run, or a failed one, is committed there: results are append-only.
    """
    if not prepared.path.exists():
        return None

    record = read(prepared.path)
    same = record.identity == prepared.identity and record.method.tuning == prepared.use.tuning
    if same and record.status != "failed":
        return record
    if is_tracked(prepared.path):
        what = "that failed" if same else "of another version of its method, task or tuning"
        raise UserError(
            f"{prepared.path} is a committed run {what}. "
            "Committed results stay; say store=DIR to keep this run elsewhere."
        )
    return None


def check_empty(request: Request) -> None:
    """UserError if the folder that is to get the model holds anything."""
    folder = request.save_model
    if folder is not None and folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(f"save_model={folder} is there already and not empty. Name a new folder; nothing was trained.")


def check_kept(request: Request, path: Path) -> None:
    """UserError if a model is to be kept of a run that is over, and is not where it should be."""
    folder = request.save_model
    if folder is not None and not any(folder.glob("**/README.md")):
        raise UserError(
            f"{path} is this run, and its model was not kept in {folder}. Say store=DIR to train it again elsewhere."
        )


@contextmanager
def lock_run(prepared: Prepared, first: bool) -> Iterator[None]:
    """Keep other processes from this run as long as the block lasts. UserError if one of them runs it.

    first: whether this process speaks for those that train together; only that one takes the lock.
    """
    store, path = prepared.request.store, prepared.path
    with claim(path, store) if first else nullcontext(True) as ours:
        if not ours:
            raise UserError(
                f"{path} is being run by another process; wait for it, or pass store=DIR to run it elsewhere as well."
            )
        with suppress(OSError):
            for part in path.parent.glob(f".{path.name}.*"):  # of a write that was killed
                part.unlink(missing_ok=True)
        yield


def remove_checkpoints(prepared: Prepared) -> None:
    """Remove what any process saved of a run that is recorded."""
    store, path = prepared.request.store, prepared.path
    place = store / CHECKPOINTS / path.relative_to(store)
    with suppress(OSError):
        for left in place.parent.glob(f"{path.stem}.*"):
            shutil.rmtree(left) if left.is_dir() else left.unlink(missing_ok=True)
