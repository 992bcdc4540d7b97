"""When a run is saved, and what an earlier attempt at it left.

A run saves itself so often that a kill loses about `SECONDS` of work, and never spends more than about a twentieth
of its time on it. A run that is shorter leaves nothing. Processes that train together save at the same step, and
go on from there only if all of them can.
"""

import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from bench.engine.world import World
from bench.errors import UserError
from bench.training.callback import anywhere
from bench.training.checkpoint.file import Unusable, read, write_part
from bench.training.checkpoint.tree import Unsaveable

VARIABLE = "BALANCEBENCH_CHECKPOINT_SECONDS"
"""Environment variable: another interval in seconds, 0: after every step, never: none at all."""
SECONDS = 10.0
PATIENCE = 20
"""An interval is at least so many times as long as the last save took."""
FOLDER = ".checkpoints"
"""The folder of checkpoints in a store; hidden folders hold no records."""

Get = Callable[[], Any]


class Checkpoints:
    """The parts of a run that are saved together, each under a name."""

    def __init__(
        self,
        path: Path | None = None,
        key: Callable[[], Mapping[str, Any]] = dict,
        note: Callable[[str], None] = lambda text: None,
    ) -> None:
        """path: this process's file, None: nothing is saved; key: see `checkpoint.file`; note: tells the user."""
        self.path = path
        self.every, self.forced = interval()
        self.saving = path is not None and self.every is not None

        self._key = key
        self._note = note
        self._parts: dict[str, Get] = {}
        self._found: dict[str, Any] = {}
        self._serial = 0
        self._noted = False

        self._last = time.monotonic()
        self._took = 0.0
        self._began = self._last

    def find(self) -> None:
        """Read what an earlier attempt left, if all processes have the same save of it."""
        found, reason = self._read()

        # Every process asks twice, whatever it found: first for the sum of the serials, then whether that fits all.
        serial = found.get("serial", 0)
        differs = anywhere(serial) != serial * World.now().size

        if not anywhere(differs):
            self._found, self._serial = found, serial
        elif not reason:
            reason = "another process has none of that step"

        if reason:
            self._note(f"The checkpoint {self.path} is not used, {reason}: the run starts afresh.")

    def keep(self, name: str, get: Get) -> None:
        """Save this part from here on."""
        self._parts[name] = get

    def drop(self, *names: str) -> None:
        """Save these parts no longer."""
        for name in names:
            self._parts.pop(name, None)

    def waits(self, name: str) -> bool:
        """Whether an earlier attempt's part is still to be taken."""
        return name in self._found

    def take(self, name: str) -> Any:
        """The part as an earlier attempt left it, once; None if it left none."""
        return self._found.pop(name, None)

    def offer(self) -> None:
        """Save if it is time. Every process must call it at the same step."""
        if self.saving and anywhere(World.now().first and self._due()):
            self._write()

    def close_training(self) -> None:
        """Save when training is complete, unless it was short: an evaluation that is killed must not train again."""
        if self.saving and anywhere(World.now().first and time.monotonic() - self._began >= (self.every or 0)):
            self._write()

    def remove(self) -> None:
        """The run is recorded: what any process saved of it is needed no more."""
        if self.path is None:
            return

        run = self.path.name.partition(".")[0]
        with suppress(OSError):
            for path in self.path.parent.glob(f"{run}.*"):
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    @property
    def _part(self) -> Path:
        assert self.path is not None
        return self.path.with_suffix(".part") / self.path.name

    def _due(self) -> bool:
        assert self.every is not None
        least = self.every if self.forced else max(self.every, PATIENCE * self._took)
        return time.monotonic() - self._last >= least

    def _read(self) -> tuple[dict[str, Any], str]:
        if not self.saving or self.path is None or not self.path.exists():
            return {}, ""
        try:
            return read(self.path, self._key()), ""
        except Unusable as unusable:
            return {}, str(unusable)

    def _write(self) -> None:
        """All processes write, and then all of them replace what was there."""
        assert self.path is not None
        began = time.monotonic()
        reason = ""

        try:
            parts = {name: get() for name, get in self._parts.items()}
            write_part(self._part, self._key(), {**parts, "serial": self._serial + 1})
        except OSError as error:
            reason = error.strerror or str(error)
        except Unsaveable as kind:
            reason = f"{kind} cannot be saved"
        self._last = time.monotonic()
        self._took = self._last - began

        # Every process asks twice, whatever happened to it: they count the same sums.
        if not anywhere(bool(reason)):
            reason = self._put_in_place()
        if anywhere(bool(reason)):
            self._left_out(reason or "another process could not write")
            return

        shutil.rmtree(self._part.parent, ignore_errors=True)
        self._serial += 1

    def _put_in_place(self) -> str:
        """Replace what an earlier save left. Why that cannot be done, or ''."""
        assert self.path is not None
        try:
            os.replace(self._part, self.path)
        except OSError as error:
            return error.strerror or str(error)
        return ""

    def _left_out(self, reason: str) -> None:
        """It is tried again later, when there may be room."""
        assert self.path is not None
        shutil.rmtree(self._part.parent, ignore_errors=True)
        if not self._noted:
            self._note(
                f"No checkpoint could be written to {self.path.parent} ({reason}); the run continues without one."
            )
        self._noted = True


def interval() -> tuple[float | None, bool]:
    """Seconds between checkpoints, None: never; and whether the user said so. UserError."""
    said = os.environ.get(VARIABLE)
    if said is None:
        return SECONDS, False
    if said == "never":
        return None, True

    try:
        seconds = float(said)
    except ValueError:
        seconds = -1.0

    if not 0 <= seconds < float("inf"):
        raise UserError(f"{VARIABLE}={said} is no interval; say seconds, 0 for every step, or never.")
    return seconds, True
