"""What the terminal shows: progress of a run, and the tables of its record."""

import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from bench.analysis.imbalance import norm_ratio, norm_share, squared_norms
from bench.cli.displays.terminal import Listing, console
from bench.errors import UserError
from bench.records.schema import Record, Score
from bench.records.store import read, record_path
from bench.records.track import RATE
from bench.request.request import RESULTS

PLAIN_LINES = 10
"""Progress lines of a run whose output is not a terminal."""


class PlainWatcher:
    """Progress as lines, for logs: phases, and every tenth of the steps."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._first: int | None = None  # step of this attempt

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear."""

    def phase(self, name: str) -> None:
        """A part of the run begins."""
        self._since = time.monotonic()
        self._first = None
        print(f"{name} ...", file=sys.stderr, flush=True)

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """A training step is done; rewards: mean of each task."""
        self._first = self._first or step
        if step % max(1, total // PLAIN_LINES) and step != total:
            return
        left = (time.monotonic() - self._since) / (step - self._first + 1) * (total - step)
        print(f"step {step}/{total}  {_rewards(rewards)}  {left:.0f} s left", file=sys.stderr, flush=True)


class LiveWatcher:
    """A live progress bar with phase, step, reward per task and time left."""

    def __init__(self) -> None:
        columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), MofNCompleteColumn())
        rewards = TextColumn("{task.fields[rewards]}")
        self._progress = Progress(
            *columns, TimeRemainingColumn(), rewards, console=Console(stderr=True), transient=True
        )
        self._task = self._progress.add_task("start", total=None, rewards="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def phase(self, name: str) -> None:
        """A part of the run begins."""
        self._progress.reset(self._task, description=name, total=None, rewards="")

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """A training step is done; rewards: mean of each task."""
        self._progress.update(self._task, completed=step, total=total, rewards=_rewards(rewards))


class SilentWatcher(PlainWatcher):
    """No progress: another process shows it."""

    def phase(self, name: str) -> None:
        """Nothing."""

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        """Nothing."""


def make_watcher() -> PlainWatcher | LiveWatcher:
    """The watcher that suits the output, and the process among those that train together."""
    if os.environ.get("RANK", "0") != "0":
        return SilentWatcher()
    return LiveWatcher() if sys.stderr.isatty() else PlainWatcher()


def show_record(record: Record, path: Path) -> None:
    """The tables of one run: tasks, totals and cost, and where the record is."""
    out = console()
    names = _with_settings(record.method.name, record.method.settings)
    if wrapper := record.method.wrapper:
        names += f" in {_with_settings(wrapper.name, wrapper.settings)}"

    title = f"{names} on {record.suite.name}, seed {record.seed}"
    out.print(task_table(record, reference_of(record, path), title))
    if record.status != "done":
        out.print(f"[bold]{record.status}[/bold]: {escape(record.reason)}")

    if tuning := record.method.tuning:
        rate = record.suite.overrides.get(RATE, "the suite's")
        out.print(f"Tuned track: the best of {tuning.trials} trials, learning rate {rate}.")
    elif record.suite.overrides:
        changes = ", ".join(f"{key}={value}" for key, value in record.suite.overrides.items())
        out.print(f"Exploratory, not ranked: the suite was changed by {escape(changes)}.")
    elif record.suite.file:
        out.print("Exploratory, not ranked: the suite is a file of your own.")

    ratio = norm_ratio(squared_norms(record.curves))
    loudness = f"{ratio:.1f}" if ratio else "not resolved"
    out.print(f"Mean gain {record.mean_gain:+.3f}. Squared gradient norm, loudest to quietest task: {loudness}.")
    spent = record.ledger
    out.print(
        f"Cost: {spent.steps} steps, {spent.prompts:,} prompts, {spent.rollouts:,} rollouts, {spent.sampled_tokens:,} "
        f"tokens sampled, {spent.trained_tokens:,} trained, {spent.wall_seconds:.0f} s training "
        f"({record.provenance.total_seconds:.0f} s in all), {spent.peak_memory_bytes / 2**30:.2f} GiB."
    )
    out.print(f"Record: {path}", soft_wrap=True)


def task_table(record: Record, reference: Record | None, title: str) -> Table:
    """One row a task: before, after, gain, squared norm and its share, gain minus that of `reference`."""
    table = Listing(title=title, title_justify="left").sparing("norm share", "squared norm")
    table.add_column("task", overflow="fold")
    for heading in ("before", "after", "gain", "squared norm", "norm share", "gain - uniform"):
        table.add_column(heading, justify="right")

    norms = squared_norms(record.curves) or [None] * len(record.tasks)
    others = {task.name: task.gain for task in reference.tasks} if reference else {}
    for task, norm, share in zip(record.tasks, norms, norm_share(norms), strict=True):
        table.add_row(
            task.name,
            f"{task.before.mean:.3f}",
            f"{task.after.mean:.3f}" if task.after else "-",
            f"{task.gain:+.3f}" if task.after else "-",
            "-" if norm is None else f"{norm:.3g}",
            "-" if share is None else f"{share:.1%}",
            f"{task.gain - others[task.name]:+.3f}" if task.name in others and task.after else "-",
        )

    return table


def show_scores(scores: Mapping[str, Score], title: str) -> None:
    """One row a task: mean reward, and over how many items."""
    table = Table("task", "mean reward", "items", title=title, title_justify="left")
    for name, score in scores.items():
        table.add_row(name, f"{score.mean:.3f}", str(score.count))
    console().print(table)


def reference_of(record: Record, path: Path | None = None) -> Record | None:
    """The run of `uniform` of the same suite and seed, if there is one and it is comparable.

    It is looked for among the published ones, or, for a suite of the user's own, in the store where `path` lies.
    """
    store = RESULTS
    if record.suite.file and path is not None:
        store = path.absolute().parents[record.method.name.count("/") + 2]
    reference_path = record_path(store, record.suite.name, "uniform", record.seed)
    if not reference_path.exists():
        return None
    try:
        reference = read(reference_path)
    except UserError:
        return None

    # under another protocol the same seed meets other noise, so that the pair would be none
    comparable = (reference.protocol, reference.suite.digest) == (record.protocol, record.suite.digest)
    return reference if comparable and reference.status == "done" else None


def _rewards(rewards: Mapping[str, float]) -> str:
    return "  ".join(f"{name} {value:.2f}" for name, value in rewards.items())


def _with_settings(name: str, settings: Mapping[str, Any]) -> str:
    """`name (key=value, ...)`."""
    shown = ", ".join(f"{key}={value}" for key, value in settings.items())
    return f"{name} ({shown})" if shown else name
