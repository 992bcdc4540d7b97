"""Where a run is saved as it trains, and what must be the same for another attempt to continue from there."""

import platform
from functools import cache
from pathlib import Path
from typing import Any

import click

from bench.engine.world import World
from bench.models.devices import accelerator
from bench.protocol import PROTOCOL
from bench.records.provenance import HARNESS_VERSION, package_versions, processor, revision
from bench.records.schema import Isolation
from bench.run.prepare import Prepared
from bench.training.checkpoint.keeper import FOLDER, Checkpoints


def checkpoints_of(prepared: Prepared, isolation: Isolation) -> Checkpoints:
    """The checkpoints of a run, `<store>/.checkpoints/<suite>/<folder>/<seed>.safetensors`.

    A run with sharded parameters has none. isolation: how the method runs, which decides what its state looks like.
    """
    path = None if prepared.request.shard else checkpoint_path(prepared.path, prepared.request.store)
    key = cache(lambda: {**key_of(prepared), "isolation": isolation})
    return Checkpoints(path, key, note if World.now().first else lambda text: None)


def checkpoint_path(record: Path, store: Path) -> Path:
    """This process's file; `record` is the path of the run's record."""
    world = World.now()
    place = store / FOLDER / record.relative_to(store)
    return place.with_suffix(".safetensors" if world.size == 1 else f".{world.rank}.safetensors")


def key_of(prepared: Prepared) -> dict[str, Any]:
    """The run, and what the provenance in its record says: that must be true of the whole run."""
    commit, dirty = revision()
    return {
        "identity": prepared.identity,
        "protocol": PROTOCOL,
        "harness": HARNESS_VERSION,
        "commit": commit + " with changes" * dirty,
        "python": platform.python_version(),
        "packages": package_versions(),
        "platform": platform.platform(),
        "hardware": accelerator() or processor(),
        "processes": World.now().size,
    }


def note(text: str) -> None:
    """Tell the user, beside the progress."""
    click.echo(f"Note: {text}", err=True)
