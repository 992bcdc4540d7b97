"""Commands that read records: one, a table, a comparison, reports, the site."""

from collections.abc import Callable
from pathlib import Path

import click

from bench.cli.completion import label_words, suite_names


@click.command()
@click.argument("record", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="the whole record as JSON")
def show(record: Path, as_json: bool) -> None:
    """Show the record of a finished run."""
    from bench.cli.displays.runs import show_record
    from bench.records.store import read, to_text

    found = read(record)
    click.echo(to_text(found), nl=False) if as_json else show_record(found, record)


def _reading(command: Callable[..., None]) -> Callable[..., None]:
    """Options of the commands that read a store."""
    results = click.option("--results", type=click.Path(path_type=Path), default=None, help="a store, not results/")
    as_json = click.option("--json", "as_json", is_flag=True, help="the same numbers as JSON")
    return results(as_json(command))


@click.command()
@click.argument("suite", default="nano-v1", shell_complete=suite_names)
@_reading
def leaderboard(suite: str, results: Path | None, as_json: bool) -> None:
    """Show a suite's table: every method against uniform, paired by seed."""
    from bench.cli.displays.boards import board_json, board_of, show_leaderboard
    from bench.cli.displays.runs import console
    from bench.request.request import RESULTS

    board = board_of(results or RESULTS, suite)
    _as_json(board_json(board)) if as_json else show_leaderboard(board, console())


@click.command()
@click.argument("methods", nargs=-1, required=True, metavar="METHOD METHOD... [suite=S]", shell_complete=label_words)
@_reading
def compare(methods: tuple[str, ...], results: Path | None, as_json: bool) -> None:
    """Compare methods with each other, paired by seed: per task, in the mean, in cost.

    \b
    bench compare pcgrad uniform
    bench compare pcgrad upgrad mgda suite=nano-v1
    """
    from bench.cli.displays.boards import board_of, comparison_json, show_comparison
    from bench.cli.displays.runs import console
    from bench.request.request import RESULTS

    suite, labels = _suite_and_labels(methods)
    board = board_of(results or RESULTS, suite)
    _as_json(comparison_json(board, labels)) if as_json else show_comparison(board, labels, console())


@click.command()
@click.argument("methods", nargs=-1, required=True, metavar="METHOD METHOD [suite=S]", shell_complete=label_words)
@_reading
def explain(methods: tuple[str, ...], results: Path | None, as_json: bool) -> None:
    """Say where two methods part: on which tasks and seeds, at what cost, when, with which imbalance.

    \b
    bench explain mgda uniform
    bench explain pcgrad upgrad suite=nano-v1
    """
    from bench.analysis.explain import explain as explained
    from bench.cli.displays.boards import board_of
    from bench.cli.displays.explanations import explanation_json, show_explanation
    from bench.cli.displays.runs import console
    from bench.request.request import RESULTS

    suite, labels = _suite_and_labels(methods)
    found = explained(board_of(results or RESULTS, suite), labels)
    _as_json(explanation_json(found)) if as_json else show_explanation(found, console())


@click.command()
@click.argument("suite", default="nano-v1", shell_complete=suite_names)
@_reading
def report(suite: str, results: Path | None, as_json: bool) -> None:
    """Answer the reference paper's questions, R1 to R12, from a suite's runs."""
    from bench.analysis.reports import reports_of
    from bench.cli.displays.boards import board_of, report_json, show_report
    from bench.cli.displays.runs import console
    from bench.request.request import RESULTS

    runs = [run for row in board_of(results or RESULTS, suite).rows for run in row.runs]
    reports = reports_of(runs)
    _as_json(report_json(reports)) if as_json else show_report(reports, console())


def _suite_and_labels(words: tuple[str, ...]) -> tuple[str, list[str]]:
    suites = [word.removeprefix("suite=") for word in words if word.startswith("suite=")]
    return suites[-1] if suites else "nano-v1", [word for word in words if not word.startswith("suite=")]


def _as_json(data: object) -> None:
    import json

    click.echo(json.dumps(data, indent=2, allow_nan=False))


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path("site"), show_default=True)
@click.option("--results", type=click.Path(path_type=Path), default=None, help="a store other than results/")
@click.option("--keep-going", is_flag=True, help="leave broken records out, and list them on the site")
def site(out: Path, results: Path | None, keep_going: bool) -> None:
    """Write the leaderboard as static pages, from the records alone. Exit code 1: a record is broken."""
    from bench.request.request import RESULTS
    from leaderboard.build import build

    pages = build(results or RESULTS, out, keep_going)
    click.echo(f"{len(pages)} files written. Open {out / 'index.html'} in a browser.")
