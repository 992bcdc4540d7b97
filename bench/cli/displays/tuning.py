"""What the terminal shows of tunings: the points with their state, what they cost, and what was chosen."""

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.analysis.text import signed
from bench.cli.displays.sweeps import duration, show_summary
from bench.cli.displays.terminal import console
from bench.records.tuning import Tuning
from bench.sweeps.plan import Plan, cost
from bench.sweeps.sweep import Summary
from bench.tuning.space import Point
from bench.tuning.tune import Trials, Tuned
from bench.tuning.words import Asked


def show_points(asked: Asked, trials: Sequence[Trials], plan: Plan) -> None:
    """Every point of every method with the state of its runs, and what is left to spend."""
    out = console()
    states = {entry.run.path: entry.status.state for entry in plan.entries}
    for each in trials:
        out.print(_title(each, asked), soft_wrap=True)
        table = Table("trial", "learning rate", "settings", "runs")
        for index, (point, runs) in enumerate(zip(each.draft.points, each.runs, strict=True)):
            settings = _changes(point, each.draft.space.defaults)
            said = ", ".join(f"{run.seed} {states[run.path]}" for run in runs)
            table.add_row(str(index), f"{point.learning_rate:.4g}", escape(settings), said)
        out.print(table)

    left = cost(plan)
    known = f"about {duration(left.seconds)} for one worker, {duration(left.finish)} for {plan.workers}"
    takes = "" if left.unknown == left.runs else f", {known}, by the ledgers of earlier runs"
    out.print(f"{left.runs} runs left{takes or ', of unknown cost' if left.runs else ''}.")


def _title(trials: Trials, asked: Asked) -> str:
    seeds = ", ".join(map(str, asked.seeds))
    items = f"{asked.items} items after the first {asked.skip}"
    count = f"{len(trials.draft.points)} trials"
    return escape(f"{trials.draft.card.name} on {asked.suite.name}: {count}, seeds {seeds}, {items}")


def _changes(point: Point, defaults: Point) -> str:
    """The settings that are not the defaults."""
    changed = {name: value for name, value in point.settings.items() if value != defaults.settings[name]}
    return ", ".join(f"{name}={_value(value)}" for name, value in changed.items()) or "defaults"


def _value(value: object) -> str:
    return (
        "/".join(map(_value, value))
        if isinstance(value, list)
        else f"{value:.4g}"
        if isinstance(value, float)
        else str(value)
    )


def show_tuned(found: Iterable[Tuned], summary: Summary, plan: Plan) -> int:
    """What was chosen for each method; else what is missing. Returns the exit code."""
    out = console()
    unfinished = False
    for each in found:
        if each.tuning:
            _show_choice(out, each, each.tuning)
        else:
            unfinished = True
            out.print(f"{escape(each.draft.card.name)} is not tuned: {len(each.missing)} of its runs have no record.")

    if unfinished:
        show_summary(summary, plan)

    return 1 if unfinished else 0


def _show_choice(out: Console, each: Tuned, tuning: Tuning) -> None:
    best = tuning.best
    first = tuning.trials[0]
    failed = sum(not trial.done for trial in tuning.trials)
    settings = _changes(Point(best.settings, best.learning_rate), each.draft.space.defaults)
    out.print(
        escape(
            f"{tuning.method} on {tuning.suite}: trial {tuning.chosen} of {len(tuning.trials)} is the best, with gain "
            f"{signed(best.gain)} on the tuning items, the defaults have {signed(first.gain)}: learning rate "
            f"{best.learning_rate:.4g}, {settings}.{f' {failed} trials failed.' if failed else ''} "
            f"Written: {each.draft.path}"
        ),
        soft_wrap=True,
    )
