"""Commands that read records: one, a table, a comparison, reports, the site."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bench.cli.completion import label_words, suite_names
from bench.cli.dialect import Dialect, json_option, one_suite, store_option, suite_option
from bench.cli.output import print_json

if TYPE_CHECKING:
    from bench.analysis.rows import Board


@click.command(cls=Dialect, short_help="show the record of one run")
@click.argument("record", type=click.Path(path_type=Path))
@json_option
def show(record: Path, as_json: bool) -> None:
    """Show the record of a finished run."""
    from bench.cli.displays.runs import show_record
    from bench.records.store import read, to_text

    found = read(record)
    click.echo(to_text(found), nl=False) if as_json else show_record(found, record)


def _reading(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of commands that read the records of a suite."""
    return suite_option(store_option(json_option(command)))


def _board(store: Path | None, suite: str) -> "Board":
    """The board of a suite, from results/ or another store."""
    from bench.cli.displays.boards import board_of
    from bench.request.request import RESULTS

    return board_of(store or RESULTS, suite)


@click.command(cls=Dialect, short_help="show a suite's table of methods")
@click.argument("name", metavar="[SUITE]", required=False, shell_complete=suite_names)
@_reading
def leaderboard(name: str | None, suite: str | None, store: Path | None, as_json: bool) -> None:
    """Show a suite's table: every method against uniform, paired by seed.

    \b
    bench leaderboard                        nano-v2, from results/
    bench leaderboard suite=smoke-v1         another suite
    bench leaderboard store=runs             your own runs
    """
    from bench.cli.displays.boards import board_json, show_leaderboard
    from bench.cli.displays.terminal import console

    board = _board(store, one_suite(name, suite))
    print_json(board_json(board)) if as_json else show_leaderboard(board, console())


@click.command(cls=Dialect, short_help="compare methods, paired by seed")
@click.argument("methods", nargs=-1, required=True, metavar="METHOD METHOD...", shell_complete=label_words)
@_reading
def compare(methods: tuple[str, ...], suite: str | None, store: Path | None, as_json: bool) -> None:
    """Compare methods with each other, paired by seed: per task, in the mean, in cost.

    \b
    bench compare pcgrad uniform
    bench compare pcgrad upgrad mgda suite=nano-v2
    """
    from bench.cli.displays.boards import comparison_json, show_comparison
    from bench.cli.displays.terminal import console

    board = _board(store, one_suite(suite))
    print_json(comparison_json(board, methods)) if as_json else show_comparison(board, methods, console())


@click.command(cls=Dialect, short_help="say where two methods differ, and why")
@click.argument("methods", nargs=-1, required=True, metavar="METHOD METHOD", shell_complete=label_words)
@_reading
def explain(methods: tuple[str, ...], suite: str | None, store: Path | None, as_json: bool) -> None:
    """Say where two methods differ: on which tasks and seeds, at what cost, when, and with which imbalance.

    \b
    bench explain mgda uniform
    bench explain pcgrad upgrad suite=nano-v2
    """
    from bench.analysis.explain import explain as explained
    from bench.cli.displays.explanations import explanation_json, show_explanation
    from bench.cli.displays.terminal import console

    found = explained(_board(store, one_suite(suite)), list(methods))
    print_json(explanation_json(found)) if as_json else show_explanation(found, console())


@click.command(cls=Dialect, short_help="answer questions R1 to R12 from a suite")
@click.argument("names", nargs=-1, metavar="[SUITE] [R1]...", shell_complete=suite_names)
@_reading
def report(names: tuple[str, ...], suite: str | None, store: Path | None, as_json: bool) -> None:
    """Answer the reference paper's questions, R1 to R12, from a suite's runs.

    \b
    bench report                       all questions, from nano-v2
    bench report R8 suite=nano-v2      one of them
    """
    from bench.analysis.reports import reports_of
    from bench.cli.displays.boards import chosen_reports, report_json, show_report
    from bench.cli.displays.terminal import console

    wanted, suites = _reports_and_suites(names)
    runs = [run for row in _board(store, one_suite(*suites, suite)).rows for run in row.runs]
    reports = chosen_reports(reports_of(runs), wanted)
    print_json(report_json(reports)) if as_json else show_report(reports, console())


def _reports_and_suites(names: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """Names like R8 are reports, others suites."""
    reports = [name.upper() for name in names if name[:1] in "rR" and name[1:].isdecimal()]
    return reports, [name for name in names if name.upper() not in reports]


@click.command(cls=Dialect, short_help="write the leaderboard as static pages")
@click.option("--out", type=click.Path(path_type=Path), default=Path("site"), show_default=True)
@store_option
@click.option("--keep-going", is_flag=True, help="leave broken records out, and list them on the site")
@click.option(
    "--code", metavar="URL", default="", help="link code to URL/COMMIT/FILE, where the repository can be read"
)
@click.option("--address", metavar="URL", default="", help="where the site will be read: its card and 404 page need it")
@json_option
def site(out: Path, store: Path | None, keep_going: bool, code: str, address: str, as_json: bool) -> None:
    """Write the leaderboard as static pages, from the records and this checkout. Exit code 1: a record is broken."""
    from bench.catalogue import catalogue
    from bench.request.request import RESULTS
    from leaderboard.build import build

    pages = build(store or RESULTS, out, keep_going, catalogue(code, address))
    if as_json:
        print_json({"out": str(out), "files": len(pages)})
        return
    click.echo(f"{len(pages)} files written. Open {out / 'index.html'} in a browser.")
