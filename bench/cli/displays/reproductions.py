"""What the terminal shows of a reproduction. Texts of records are data, so they are escaped."""

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from bench.analysis.plain import number
from bench.analysis.text import signed
from bench.contributing.reproduce import Again
from bench.records.reproductions import Compared

MEANING = {
    "bitwise": "bitwise: scores, curves, counters and final parameters are those of the record, bit for bit",
    "within tolerance": "within tolerance: no difference is larger than another seed or other samples would make it",
    "not reproduced": "not reproduced: at least one difference is larger than the rule allows",
}


def show_again(again: Again, console: Console) -> None:
    """The verdict first, then every figure then and now, then what differs between the two environments."""
    found = again.reproduction
    record = again.record
    for code in again.other_code:
        console.print(f"[bold]Different code:[/bold] another {escape(code)}.")

    console.print(_figures(again))
    if found.status != found.recorded_status:
        console.print(
            f"The record's run is {found.recorded_status}, this one {found.status}: {escape(again.rerun.reason)}"
        )

    for each in found.differences:
        console.print(f"{escape(each.what)}: {escape(each.recorded)} in the record, {escape(each.again)} here.")

    if unexplained(again):
        console.print(
            "Packages, hardware and threads are the same, so the bits should be: one of the two is not exact."
        )

    console.print(f"[bold]{escape(record.suite.name)}, {escape(found.method)}, seed {found.seed}[/bold]: ", end="")
    console.print(f"[bold]{MEANING[found.verdict]}.[/bold]")
    if again.path:
        console.print(f"Reproduction: {escape(str(again.path))}", soft_wrap=True)
    elif again.other_code:
        console.print("Nothing was written: other code says nothing of the record.")


def unexplained(again: Again) -> bool:
    """Whether the bits differ although nothing does that may change them."""
    harmless = {"commit", "dirty", "platform", "harness_version"}
    return (
        again.reproduction.verdict != "bitwise" and {each.what for each in again.reproduction.differences} <= harmless
    )


def again_json(again: Again) -> dict[str, Any]:
    """The same as JSON takes it."""
    return {
        "reproduction": again.reproduction.model_dump(mode="json"),
        "other_code": list(again.other_code),
        "file": str(again.path) if again.path else None,
    }


def _figures(again: Again) -> Table:
    table = Table("task", title="Held-out reward and gain, as recorded and again", title_justify="left")
    for heading in ("before", "again", "after", "again", "gain", "again", "difference", "allowed", "within"):
        table.add_column(heading, justify="right")

    for task, then, now in zip(again.reproduction.tasks, again.record.tasks, again.rerun.tasks, strict=True):
        pairs = [task.before, *([task.after] if task.after else [])]
        after = [_score(each.after.mean if each.after else None) for each in (then, now)]
        gains = [signed(each.gain) if each.after else "-" for each in (then, now)]
        worst = max(pairs, key=lambda pair: abs(pair.again - pair.recorded) - pair.tolerance)
        before = [_score(task.before.recorded), _score(task.before.again)]
        table.add_row(escape(task.name), *before, *after, *gains, *_verdict(worst))

    table.add_section()
    mean = again.reproduction.mean_gain
    table.add_row("mean", "", "", "", "", signed(mean.recorded), signed(mean.again), *_verdict(mean))

    return table


def _verdict(pair: Compared) -> tuple[str, str, str]:
    return signed(pair.again - pair.recorded), f"{pair.tolerance:.3f}", "yes" if pair.within else "[bold]no[/bold]"


def _score(value: float | None) -> str:
    found = number(value)
    return "-" if found is None else f"{found:.3f}"
