"""What `dry_run=true` prints: the plan of a run, what its ledger would say, what a device would hold."""

from typing import Any

from rich.console import Console
from rich.table import Table

from bench.run.forecast import GIB, MIB, PROMPT_TOKENS, Forecast


def show_forecast(found: Forecast, console: Console) -> None:
    """The forecast as text and tables."""
    suite = found.request.suite
    request = found.request
    around = f" wrapper={request.wrapper}" if request.wrapper else ""
    console.print(
        f"method={request.method}{around} suite={suite.name} seed={request.seed}: a dry run, nothing is trained."
    )
    trained = f"adapters of rank {suite.lora.r}" if suite.lora.r else "all parameters"
    console.print(f"Model {suite.model}, {trained}, {suite.dtype}; {suite.regime}, {suite.recipe.steps} steps.")
    console.print(_rows("tasks", found.tasks))

    if found.standard:
        console.print(_rows("lm-eval's own tasks, scored as well", found.standard))

    console.print(_counters(found))
    console.print(_memory(found) if found.memory else _unknown(suite.model))


def forecast_json(found: Forecast) -> dict[str, Any]:
    """The forecast as JSON takes it; sizes in bytes."""
    return {
        "method": found.request.method,
        "suite": found.request.suite.name,
        "seed": found.request.seed,
        "tasks": dict(found.tasks),
        "counters": [{"name": name, "count": count, "how": how} for name, count, how in found.counters],
        "memory": [{"for": part.name, "held": part.phase, "bytes": round(part.size)} for part in found.memory],
        "peak_bytes": round(found.peak) if found.memory else None,
        "peak_bytes_away": round(found.least) if found.least else None,
    }


def _rows(title: str, rows: list[tuple[str, str]]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("task", overflow="fold")
    table.add_column("rows")
    for row in rows:
        table.add_row(*row)
    return table


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
    prompts = f"prompts of {found.prompt} tokens" if found.prompt else f"prompts taken to have {PROMPT_TOKENS} tokens"
    title = f"memory of a device: {found.shape.parameters:,} parameters, {prompts}"
    table = Table(title=title, title_justify="left", caption=CAPTION, caption_justify="left")

    for name in ("for", "held"):
        table.add_column(name)

    unit, name = (GIB, "GiB") if found.peak >= GIB else (MIB, "MiB")
    table.add_column(name, justify="right")
    for part in found.memory:
        table.add_row(part.name, part.phase, f"{part.size / unit:.2f}")

    table.add_row("most at once", "", f"{found.peak / unit:.2f}", style="bold")
    if found.least:
        table.add_row("where that is too much, gradients wait in the host's memory", "", f"{found.least / unit:.2f}")
    return table


CAPTION = "Activations, logits and caches are estimates, within a factor of two."


def _unknown(model: str) -> str:
    return (
        f"Memory: unknown. {model} is not in the local cache, or of a kind whose size its configuration does not say."
    )
