"""What the terminal shows of plans and sweeps: the runs by state, the active ones, and what is left to do."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table

from bench.cli.displays.terminal import Listing, console
from bench.sweeps.local import log_of
from bench.sweeps.plan import Cost, Entry, Plan, cost
from bench.sweeps.runs import STATES, Run
from bench.sweeps.scheduler import Active, Outcome, Reporter
from bench.sweeps.sweep import Summary

EVERY = 0.5
"""Seconds between two drawings of the live table."""
MOST_REASONS = 20


class Watching(Reporter, Protocol):
    """A reporter that is shown as long as a block lasts."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


def show_plan(plan: Plan) -> None:
    """One row a method and suite, its seeds by state; then what is wrong, and what is left to spend."""
    out = console()
    shown = [state for state in STATES if plan.counts[state]]
    table = Listing("suite", "method", *shown, "each", "from").sparing("from", "each")
    groups: dict[tuple[str, str], list[Entry]] = {}

    for entry in plan.entries:
        groups.setdefault((entry.run.suite, entry.run.method), []).append(entry)

    for (suite, method), entries in groups.items():
        seeds = [seeds_text([entry.run.seed for entry in entries if entry.status.state == state]) for state in shown]
        estimate = entries[0].estimate
        each = "unknown" if estimate.seconds is None else f"~{duration(estimate.seconds)}"
        table.add_row(suite, escape(method), *seeds, each, estimate.basis)

    out.print(table)
    _show_reasons(plan, out)
    counts = ", ".join(f"{plan.counts[state]} {state}" for state in shown)
    out.print(f"{len(plan.entries)} runs: {counts or 'none'}.")
    out.print(_cost_text(plan, cost(plan)))


def _show_reasons(plan: Plan, out: Console) -> None:
    troubled = [entry for entry in plan.entries if entry.status.reason]
    for entry in troubled[:MOST_REASONS]:
        kept = entry in plan.refused and entry.status.state != "unreadable"  # whose reason says what to do
        stays = " It is committed and stays; store=DIR keeps a new run elsewhere." if kept else ""
        out.print(f"{entry.status.state}: {escape(f'{entry.run}: {entry.status.reason}')}{stays}", soft_wrap=True)
    if len(troubled) > MOST_REASONS:
        out.print(f"... and {len(troubled) - MOST_REASONS} more; --json has all.")
    for reason in plan.left_out[:MOST_REASONS]:
        out.print(f"left out: {escape(reason)}", soft_wrap=True)


def _cost_text(plan: Plan, left: Cost) -> str:
    if not left.runs:
        return "Nothing is left to run."
    if left.unknown == left.runs:
        return f"{left.runs} runs left; how long they take is not known before one of the suite is done."
    text = (
        f"{left.runs} runs left, about {duration(left.seconds)} for one worker, {duration(left.finish)} for "
        f"{plan.workers}, and up to {left.memory / 2**30:.1f} GiB of memory; by the ledgers of earlier runs."
    )
    return text + (f" {left.unknown} of them are not known, and count as the mean." if left.unknown else "")


def seeds_text(seeds: Sequence[int]) -> str:
    """`0-4 7`: neighbours are joined."""
    parts: list[list[int]] = []
    for seed in sorted(seeds):
        if parts and seed == parts[-1][-1] + 1:
            parts[-1].append(seed)
        else:
            parts.append([seed])
    return " ".join(f"{part[0]}-{part[-1]}" if len(part) > 1 else str(part[0]) for part in parts)


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 05 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60:02d} min"


class PlainReporter:
    """What happens, as lines: for logs."""

    def __init__(self, plan: Plan) -> None:
        self.total = len(plan.wanted)
        self.results = dict.fromkeys(("done", "failed", "interrupted"), 0)
        self.console = Console(stderr=True, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing to clear."""

    def started(self, run: Run, attempt: int) -> None:
        """A run begins."""
        self._line(f"started: {run}{f' (attempt {attempt})' if attempt > 1 else ''}")

    def again(self, run: Run, reason: str) -> None:
        """A run died and is begun again."""
        self._line(f"retry: {run}: {reason}")

    def ended(self, outcome: Outcome) -> None:
        """A run ended."""
        self.results[outcome.result] += 1
        after = f"{outcome.seconds:.0f} s" if outcome.fresh else "by another process"
        reason = f": {outcome.reason}" if outcome.result == "failed" else ""
        self._line(f"{outcome.result} ({sum(self.results.values())}/{self.total}): {outcome.run}, {after}{reason}")

    def look(self, active: list[Active], waiting: list[Run]) -> None:
        """Progress is in the logs of the runs."""

    def _line(self, text: str) -> None:
        self.console.print(text, markup=False)


class LiveReporter(PlainReporter):
    """The same lines above a table of the active runs."""

    def __init__(self, plan: Plan) -> None:
        super().__init__(plan)
        self._costs = {entry.run.path: entry.estimate.seconds for entry in plan.wanted}
        self._live = Live(console=self.console, auto_refresh=False, transient=True)
        self._drawn = self._since = time.monotonic()
        self._workers = plan.workers

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def look(self, active: list[Active], waiting: list[Run]) -> None:
        """Draw the table, now and then."""
        if time.monotonic() - self._drawn < EVERY:
            return

        self._drawn = time.monotonic()
        table = Table(box=None, padding=(0, 2), title=self._title(active, waiting), title_justify="left")
        for name in ("run", "progress", "since"):
            table.add_column(name, overflow="ellipsis", no_wrap=True)
        for each in active:
            table.add_row(escape(str(each.run)), each.job.progress(), duration(self._drawn - each.started))

        self._live.update(table, refresh=True)

    def _title(self, active: list[Active], waiting: list[Run]) -> str:
        done, failed = self.results["done"], self.results["failed"]
        left = self._left(active, waiting)
        ending = "" if left is None else f", about {duration(left)} left"
        return f"{done} of {self.total} done, {failed} failed, {len(active)} running, {len(waiting)} waiting{ending}"

    def _left(self, active: list[Active], waiting: list[Run]) -> float | None:
        """Seconds until all is done, by the estimates; None where they are missing."""
        costs = [self._costs[run.path] for run in [*(each.run for each in active), *waiting]]
        known = [seconds for seconds in costs if seconds is not None]
        if len(known) < len(costs) or not known:
            return None
        spent = sum(min(self._drawn - each.started, self._costs[each.run.path] or 0) for each in active)
        return max(0.0, sum(known) - spent) / max(1, len(active))


def reporter(plan: Plan) -> PlainReporter:
    """The reporter that suits the output."""
    return LiveReporter(plan) if sys.stderr.isatty() else PlainReporter(plan)


def show_summary(summary: Summary, plan: Plan) -> None:
    """What became of the plan; for what failed, why, where its log is, and the command that tries it again."""
    out = console()
    failed = [outcome for outcome in summary.missing if outcome.result == "failed"]
    for outcome in failed:
        _show_failure(out, str(outcome.run), outcome.reason, log_of(outcome.run), outcome.run.command)
    for entry in summary.refused:
        _show_failure(out, str(entry.run), f"{entry.status.state}: {entry.status.reason}", None, entry.run.command)

    fresh = sum(outcome.result == "done" for outcome in summary.outcomes)
    counts = [(len(summary.found), "done before"), (fresh, "done"), (len(failed), "failed")]
    interrupted = len(summary.missing) - len(failed)
    counts += [(interrupted, "interrupted"), (summary.not_begun, "not begun")]
    counts += [(len(summary.refused), "not run: their records stay")]
    out.print(f"{len(plan.entries)} runs: {', '.join(f'{count} {what}' for count, what in counts if count)}.")

    if summary.trouble:
        out.print(escape(summary.trouble), soft_wrap=True)
    if summary.interrupted or summary.not_begun:
        out.print("To resume, repeat the command.")


def summary_json(summary: Summary) -> dict[str, Any]:
    """What became of the plan, as JSON takes it."""
    return {
        "done_before": [str(entry.run) for entry in summary.found],
        "runs": [
            {
                "run": str(outcome.run),
                "result": outcome.result,
                "reason": outcome.reason,
                "seconds": outcome.seconds,
                "record": str(outcome.run.path),
                "command": outcome.run.command,
            }
            for outcome in summary.outcomes
        ],
        "refused": [{"run": str(each.run), "reason": each.status.reason} for each in summary.refused],
        "not_begun": summary.not_begun,
        "trouble": summary.trouble,
        "interrupted": summary.interrupted,
    }


def _show_failure(out: Console, run: str, reason: str, log: Path | None, command: str) -> None:
    out.print(f"[bold]failed[/bold]: {escape(f'{run}: {reason}')}", soft_wrap=True)
    if log:
        out.print(f"    log: {escape(str(log))}", soft_wrap=True)
    out.print(f"    again: {escape(command)}", soft_wrap=True)
