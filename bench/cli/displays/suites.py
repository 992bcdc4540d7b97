"""What the terminal shows of suites: the list, or one with every field."""

from collections.abc import Iterable

from rich.markup import escape
from rich.table import Table

from bench.cli.displays.terminal import Listing, console
from bench.request.suite import Suite

PARTS = ("recipe", "budget", "evaluation", "lora")


def show_suites(suites: Iterable[Suite]) -> None:
    """One row a suite."""
    table = Listing("suite", "what", "tasks", "model", "steps", "seeds").sparing("seeds", "steps", "tasks", "model")
    for suite in suites:
        seeds = " ".join(map(str, suite.seeds))
        table.add_row(suite.name, suite.summary, ", ".join(suite.tasks), suite.model, str(suite.recipe.steps), seeds)
    console().print(table)


def show_suite(suite: Suite) -> None:
    """A suite in full; the keys are those of `bench run`."""
    out = console()
    out.print(f"[bold]{escape(suite.name)}[/bold]: {escape(suite.summary)}")
    out.print(f"Digest {suite.digest[:12]}; tasks {escape(', '.join(suite.tasks))}; seeds {list(suite.seeds)}.")

    table = Table("key", "value", title="As it is run", title_justify="left")
    data = suite.model_dump(mode="json")
    for name, value in data.items():
        if name not in (*PARTS, "name", "summary", "tasks", "seeds", "files", "file"):
            table.add_row(name, escape(_text(value)))
    for part in PARTS:
        for name, value in data[part].items():
            table.add_row(f"{part}.{name}", escape(_text(value)))
    for name, file in suite.files.items():
        table.add_row(f"task {name}", escape(":".join(filter(None, (file.path, file.verifier)))))
    out.print(table)


def _text(value: object) -> str:
    """A value as it is written on the command line."""
    if value is None or value in ([], {}):
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ",".join(f"{name}:{_text(each)}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)
