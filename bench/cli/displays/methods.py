"""What the terminal shows of methods: the list, a card, and what the battery says."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

from bench.cli.displays.terminal import console
from methods._registry import MethodCard

if TYPE_CHECKING:
    from bench.contributing.authoring import Report
    from methods import Settings

PLACES = {
    "TaskSampling": "choose the tasks of the next step's prompts",
    "SampleWeighting": "change advantages or token weights of completions",
    "LossWeighting": "weigh the task losses",
    "GramianWeighting": "weigh the task gradients by their inner products",
    "GradientCombination": "combine whole task gradients",
    "StepWrapper": "act around a step, whatever the method inside: method=... wrapper=NAME",
    "RunPlan": "act on the whole run: several trainings, and what becomes of their models",
}
NAMES = 25
"""Width of names in a list, so that its tables are in line."""


def show_methods(cards: Mapping[str, MethodCard]) -> None:
    """One table a place of action, one row a method; the methods of other libraries by library."""
    out = console()
    own = [card for card in cards.values() if not card.variant]
    for place, what in PLACES.items():
        here = [card for card in own if card.acts_on[0] == place]
        if here:
            out.print(f"\n[bold]{place}[/bold]: {what}")
            out.print(_rows(here))

    families = {card.path for card in cards.values() if card.variant}
    for family in sorted(families):
        members = [card for card in cards.values() if card.path == family]
        out.print(f"\n[bold]{escape(members[0].name.partition('/')[0])}[/bold]: {escape(members[0].summary)}")
        out.print(Padding(escape(", ".join(card.name for card in members)), (0, 0, 0, 1), expand=False))

    out.print(f"\n{len(cards)} methods. `bench methods NAME` shows the card and the settings of one.")


def _rows(cards: list[MethodCard]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 1), pad_edge=True)
    table.add_column(no_wrap=True, min_width=NAMES)
    table.add_column(ratio=3)
    table.add_column(ratio=2, style="dim")
    for card in cards:
        also = f" (also {', '.join(card.acts_on[1:])})" if len(card.acts_on) > 1 else ""
        table.add_row(card.name, escape(f"{card.summary[0].upper()}{card.summary[1:]}{also}"), escape(card.source))
    return table


def show_method(card: MethodCard, settings: "type[Settings]") -> None:
    """A card in full, and the settings with bounds and defaults."""
    out = console()
    out.print(f"[bold]{escape(card.title)}[/bold]: {escape(card.summary)}\n")
    table = Table(box=None, show_header=False, padding=(0, 1))
    said = {"source": card.source, "differs": card.differs, "costs": card.costs, "conflicts": card.conflicts}
    said["formula"] = card.formula
    facts = {"acts on": ", ".join(card.acts_on), "name": card.name, "version": str(card.version)}

    for field, text in {**said, **facts, "file": str(card.path)}.items():
        if text:
            table.add_row(f"[bold]{field}[/bold]", escape(text))

    out.print(table)
    out.print()
    out.print(_settings_table(settings) if settings.model_fields else "It has no settings.")


def _settings_table(settings: "type[Settings]") -> Table:
    table = Table("setting", "default", "from", "up to", "what", title="Settings", title_justify="left")
    for key, field in settings.model_fields.items():
        stored = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
        low, high = (stored.get(bound) for bound in ("low", "high"))
        limits = [f"{limit:g}" if isinstance(limit, int | float) else "-" for limit in (low, high)]
        table.add_row(key, escape(str(field.default)), *limits, escape(field.description or ""))
    return table


@contextmanager
def checking() -> Iterator[Callable[[str, int], None]]:
    """Progress on standard error while properties are tried; call it with a name and their number."""
    columns = (SpinnerColumn(), BarColumn(20), MofNCompleteColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        bar = progress.add_task("start", total=None)
        tried = -1

        def begins(name: str, total: int) -> None:
            nonlocal tried
            tried += 1
            progress.update(bar, description=name, total=total, completed=tried)

        yield begins


def show_report(report: "Report") -> None:
    """One row a property, what was measured, and the sum of it."""
    out = console()
    table = Table("property", "verdict", title=f"{report.name}: the contract", title_justify="left")
    for verdict in report.verdicts:
        if verdict.violations:
            table.add_row(
                f"[bold red]{verdict.name}[/bold red]", escape("\n".join((verdict.rule, *verdict.violations)))
            )
        else:
            table.add_row(verdict.name, f"[dim]not tried: {escape(verdict.skipped)}[/dim]" if verdict.skipped else "ok")

    out.print(table)
    for fact in report.facts:
        out.print(escape(fact))

    tried = sum(not verdict.skipped for verdict in report.verdicts)
    out.print(
        f"[bold red]{report.name} breaks {report.broken} of {tried} properties.[/bold red]"
        if report.broken
        else f"[bold]{report.name} keeps all {tried} properties.[/bold]"
    )
