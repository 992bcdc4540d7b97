"""Commands that show, check and write what runs are made of: methods, tasks, suites."""

import sys
from pathlib import Path

import click

from bench.cli.completion import method_names, task_names
from bench.errors import UserError

PLACES = ("gramian", "loss", "sampling", "advantage", "gradient", "wrapper", "plan")
"""Where a method can act, as `bench new method` takes it; each has a template."""


@click.command()
@click.argument("name", required=False, shell_complete=method_names)
@click.option("--json", "as_json", is_flag=True, help="the same as JSON")
def methods(name: str | None, as_json: bool) -> None:
    """List all methods by where they act, or show the card and the settings of one.

    NAME may be the path of a file, which ends in .py.
    """
    from bench.cli.displays.listings import method_data, settings_data
    from bench.cli.displays.methods import show_method, show_methods
    from methods._registry import cards, find, load

    if as_json and name:
        _print_json({**method_data(find(name)), "settings": settings_data(load(name).Settings)})
    elif as_json:
        _print_json([method_data(card) for card in cards().values()])
    elif name:
        show_method(find(name), load(name).Settings)
    else:
        show_methods(cards())


@click.command()
@click.argument("method", required=False, shell_complete=method_names)
def check(method: str | None) -> None:
    """Try every property of the contract on one method. Exit code 1: it breaks one, and the table says how.

    \b
    bench check pcgrad              a method of methods/
    bench check path/to/mine.py     a file from anywhere
    bench check torchjd/UPGrad      another library's, where the contract binds it
    """
    if method is None:
        raise UserError("which method? Say `bench check NAME` or `bench check FILE.py`; `bench methods` lists all.")
    from bench.cli.displays.methods import checking, show_report
    from bench.contributing.authoring import examine

    with checking() as begins:
        report = examine(method, begins)
    show_report(report)
    sys.exit(1 if report.broken else 0)


@click.group()
def new() -> None:
    """Write a new method from a template."""


@new.command("method")
@click.argument("name")
@click.option(
    "--acts-on", type=click.Choice(PLACES), default="gramian", show_default=True, help="where the method acts"
)
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="write the method's file only, into this folder")
def new_method(name: str, acts_on: str, folder: Path | None) -> None:
    """Write a working method and a test with its first golden value.

    \b
    bench new method reward_gap --acts-on loss      methods/reward_gap.py and its test
    bench new method reward_gap --dir ~/mine        a file that is run as method=~/mine/reward_gap.py
    """
    from bench.contributing.authoring import next_commands, write_method

    for path in write_method(name, acts_on, folder):
        click.echo(f"Written: {path}")
    click.echo("It works as it is. Replace what it does, and every TODO of its card; then:")
    for command in next_commands(name, acts_on, folder):
        click.echo(f"    {command}")


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=method_names)
@click.option("--check", is_flag=True, help="say what is not frozen, and enter nothing")
@click.option("--rewritten", is_flag=True, help="also enter code that changed and gives the same golden answers")
def freeze(names: tuple[str, ...], check: bool, rewritten: bool) -> None:
    """Enter new methods and new versions in tests/golden/: their source's digest and their golden answers.

    \b
    bench freeze reward_gap     one method
    bench freeze                all that are new
    bench freeze --check        exit code 2, and a line each, if there is anything to enter

    A method that changed under the version that is frozen is refused: raise its `version`.
    """
    from methods._registry import freeze as enter
    from methods._registry import not_frozen

    if check:
        if missing := not_frozen():
            raise UserError("\n".join(missing))
        click.echo("Every version is frozen.")
        return

    entered = enter(names=names, rewritten=rewritten)
    click.echo(f"Frozen: {', '.join(entered)}" if entered else "Nothing is new: every version is frozen already.")


@click.command()
@click.argument("name", required=False, shell_complete=task_names)
@click.option("--data-root", type=click.Path(path_type=Path), help="folder of local copies of data sets, not the hub")
@click.option("--json", "as_json", is_flag=True, help="the same as JSON")
def tasks(name: str | None, data_root: Path | None, as_json: bool) -> None:
    """List all tasks, or show one: its card, sample prompts, its verifier's verdicts on right and wrong replies.

    \b
    bench tasks                                  all tasks
    bench tasks arc_easy --data-root ~/data      one, with its rows from ~/data/arc_easy/
    """
    import os

    from bench.cli.displays.runs import console
    from bench.cli.displays.tasks import show_task, show_tasks, task_json, tasks_json
    from bench.request.network import offline_if_unreachable
    from tasks._data import ROOT
    from tasks._registry import all_tasks, get_task

    if data_root is not None:
        os.environ[ROOT] = str(data_root)
    if name:
        offline_if_unreachable()
    if as_json:
        _print_json(task_json(get_task(name)) if name else tasks_json(all_tasks()))
    elif name:
        show_task(get_task(name), console())
    else:
        show_tasks(all_tasks(), console())


@click.command()
@click.option("--json", "as_json", is_flag=True, help="every field, as JSON")
def suites(as_json: bool) -> None:
    """List all suites: tasks, model, budget, seeds."""
    from bench.cli.displays.listings import suite_data
    from bench.cli.displays.runs import show_suites
    from bench.request.suite import load_suite, suite_names

    found = [load_suite(name) for name in suite_names()]
    _print_json([suite_data(suite) for suite in found]) if as_json else show_suites(found)


def _print_json(data: object) -> None:
    import json

    click.echo(json.dumps(data, indent=2, allow_nan=False))
