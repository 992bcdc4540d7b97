"""What `dry_run=true` prints: the plan of a run, what its ledger would say, what a device would hold."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.errors import UserError
from bench.estimate import GIB, Forecast


def show_forecast(found: Forecast, console: Console) -> None:
    """The forecast as text and tables."""
    suite, request = found.request.suite, found.request
    around = f" wrapper={request.wrapper}" if request.wrapper else ""
    console.print(
        f"method={request.method}{around} suite={suite.name} seed={request.seed}: a dry run, nothing is trained."
    )
    trained = f"adapters of rank {suite.lora.r}" if suite.lora.r else "all parameters"
    console.print(f"Model {suite.model}, {trained}, {suite.dtype}; {suite.regime}, {suite.recipe.steps} steps.")
    table = Table(title="tasks", title_justify="left")
    table.add_column("task")
    table.add_column("rows")
    for row in found.tasks:
        table.add_row(*row)
    console.print(table)
    console.print(_counters(found))
    console.print(_memory(found) if found.memory else f"Memory: {suite.model} is not in the local cache; unknown.")


def _counters(found: Forecast) -> Table:
    table = Table(title="what the ledger would say", title_justify="left")
    table.add_column("counter")
    table.add_column("count", justify="right")
    table.add_column("")
    for name, count, how in found.counters:
        table.add_row(name, f"{count:,}", how)
    return table


def _memory(found: Forecast) -> Table:
    assert found.shape is not None
    title = (
        f"memory of a device, {found.shape.parameters:,} parameters (activations and caches: within a factor of two)"
    )
    table = Table(title=title, title_justify="left")
    table.add_column("for")
    table.add_column("GiB", justify="right")
    for name, size in found.memory:
        table.add_row(name, f"{size / GIB:.2f}")
    table.add_row("in all", f"{sum(size for _, size in found.memory) / GIB:.2f}", style="bold")
    return table


def rows_of(tasks: list[Any], count: int, items: int) -> list[tuple[str, str]]:
    """What is known of each task's rows; a task without data says what is missing, and the others go on."""
    found = []
    for task in tasks:
        try:
            train, held = len(task.rows("train", count)), len(task.rows("heldout", items))
            found.append((task.name, f"{train:,} for training, {held:,} held out"))
        except UserError as error:
            found.append((task.name, f"missing: {error}"))
    return found
