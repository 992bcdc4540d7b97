"""What the terminal shows of an explanation. Names come from records, so they are escaped."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.analysis.explain import Explanation
from bench.analysis.parting import Apart, Parting
from bench.analysis.plain import interval_data, number
from bench.analysis.text import p_value, signed, with_ends


def show_explanation(found: Explanation, console: Console) -> None:
    """The sentences, then the numbers behind them: tasks, seeds, and the tasks' weights when the rewards part."""
    first, other = found.difference.label, found.difference.other
    console.print(f"[bold]{escape(found.suite)}: {escape(first)} and {escape(other)}[/bold]")
    for sentence in found.sentences:
        console.print(f"- {escape(sentence)}")

    if found.seeds:
        console.print(_tasks(found))
        gaps = "  ".join(f"{seed}: {signed(gap)}" for seed, gap in found.seeds.items())
        console.print(f"Mean gain by seed, {escape(first)} minus {escape(other)}: {gaps}")

    if parted := found.partings.get(""):
        console.print(_weights(found, parted))

    console.print("Intervals hold 95 % over seeds; p is adjusted by Holm; a stretch is a sixth of the run.")


def explanation_json(found: Explanation) -> dict[str, Any]:
    """The same as JSON takes it; costs are ratios' logarithms."""
    tasks = zip(found.difference.task_names, found.difference.tasks, found.difference.task_p, strict=False)
    return {
        "suite": found.suite,
        "method": found.difference.label,
        "minus": found.difference.other,
        "sentences": list(found.sentences),
        "gain": {**interval_data(found.difference.gain), "p": number(found.difference.p)},
        "tasks": {name: {**interval_data(gap), "p": number(p)} for name, gap, p in tasks},
        "seeds": {str(seed): number(gap) for seed, gap in found.seeds.items()},
        "log_cost_ratio": {name: interval_data(gap) for name, gap in found.costs.items()},
        "imbalance": {name: interval_data(gap) for name, gap in found.imbalances.items()},
        "parting": {name or "mean": _parting_json(each) for name, each in found.partings.items()},
    }


def _tasks(found: Explanation) -> Table:
    table = Table("task", title="Gain by task", title_justify="left")
    table.add_column("difference", justify="right")
    table.add_column("p", justify="right")
    rows = zip(found.difference.task_names, found.difference.tasks, found.difference.task_p, strict=True)
    for name, gap, p in rows:
        table.add_row(escape(name), with_ends(gap), p_value(p))
    return table


def _weights(found: Explanation, parted: Parting) -> Table:
    names = escape(found.difference.label), escape(found.difference.other)
    title = f"Steps {parted.first} to {parted.last} of {parted.steps}, where the mean training rewards part"
    table = Table("task", title=title, title_justify="left")

    for what in ("weight", "share"):
        for name in names:
            table.add_column(f"{what}, {name}", justify="right")
    for weight, share in zip(parted.weights, parted.shares, strict=True):
        cells = (weight.first, weight.other, share.first, share.other)
        table.add_row(escape(weight.task), *("-" if cell is None else f"{cell:.3f}" for cell in cells))

    return table


def _parting_json(parted: Parting | None) -> dict[str, Any] | None:
    if parted is None:
        return None
    return {
        "first_step": parted.first,
        "last_step": parted.last,
        "steps": parted.steps,
        "reward": interval_data(parted.reward),
        "p": number(parted.p),
        "weights": _apart_json(parted.weights),
        "shares": _apart_json(parted.shares),
    }


def _apart_json(tasks: Sequence[Apart]) -> dict[str, Any]:
    return {each.task: {key: number(getattr(each, key)) for key in ("first", "other", "p")} for each in tasks}
