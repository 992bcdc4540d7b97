"""Commands that show, check and write what runs are made of: methods, tasks, suites."""

import sys
from pathlib import Path

import click

from bench.cli.completion import method_names, suite_names, task_names
from bench.cli.dialect import HELP, Dialect, data_root_option, json_option
from bench.cli.output import print_json
from bench.errors import UserError

PLACES = ("gramian", "loss", "sampling", "advantage", "gradient", "wrapper", "plan")
"""Where a method can act, as `bench new method` takes it; each has a template."""


@click.command(cls=Dialect, short_help="list all methods, or show one")
@click.argument("name", required=False, shell_complete=method_names)
@json_option
def methods(name: str | None, as_json: bool) -> None:
    """List all methods by where they act, or show the card and the settings of one.

    NAME may be the path of a file, which ends in .py.
    """
    from bench.cli.displays.listings import method_data, settings_data
    from bench.cli.displays.methods import show_method, show_methods
    from methods._registry import cards, find, outline

    if as_json and name:
        print_json({**method_data(find(name)), "settings": settings_data(outline(find(name)).Settings)})
    elif as_json:
        print_json([method_data(card) for card in cards().values()])
    elif name:
        show_method(find(name), outline(find(name)).Settings)
    else:
        show_methods(cards())


@click.command(cls=Dialect, short_help="try the contract on one method")
@click.argument("method", required=False, shell_complete=method_names)
@json_option
def check(method: str | None, as_json: bool) -> None:
    """Try every property of the contract on one method. Exit code 1: it breaks one, and the table says how.

    \b
    bench check pcgrad              a method of methods/
    bench check path/to/mine.py     a file from anywhere
    bench check torchjd/UPGrad      another library's, where the contract binds it
    """
    if method is None:
        raise UserError("which method? Say `bench check NAME` or `bench check FILE.py`; `bench methods` lists all.")
    from bench.cli.displays.listings import report_data
    from bench.cli.displays.methods import checking, show_report
    from bench.contributing.authoring import examine

    with checking() as begins:
        report = examine(method, begins)
    print_json(report_data(report)) if as_json else show_report(report)
    sys.exit(1 if report.broken else 0)


@click.group(context_settings=HELP, short_help="write a new method from a template")
def new() -> None:
    """Write a new method from a template."""


@new.command("method", cls=Dialect)
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


@click.command(cls=Dialect, short_help="fix a new method's golden answers")
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


@click.command(cls=Dialect, short_help="list all tasks, or show one with samples")
@click.argument("name", required=False, shell_complete=task_names)
@data_root_option
@json_option
def tasks(name: str | None, data_root: Path | None, as_json: bool) -> None:
    """List all tasks, or show one: its card, sample prompts, its verifier's verdicts on right and wrong replies.

    \b
    bench tasks                                  all tasks
    bench tasks arc_easy data_root=~/data        one, with its rows from ~/data/arc_easy/
    """
    import os

    from bench.cli.displays.tasks import show_task, show_tasks, task_json, tasks_json
    from bench.cli.displays.terminal import console
    from bench.request.network import offline_if_unreachable
    from tasks._data import ROOT
    from tasks._registry import all_tasks, get_task

    if data_root is not None:
        os.environ[ROOT] = str(data_root)
    if name:
        offline_if_unreachable()
    if as_json:
        print_json(task_json(get_task(name)) if name else tasks_json(all_tasks()))
    elif name:
        show_task(get_task(name), console())
    else:
        show_tasks(all_tasks(), console())


@click.command(cls=Dialect, short_help="list all suites, or show one")
@click.argument("name", required=False, shell_complete=suite_names)
@json_option
@click.option("--round", "number", type=click.IntRange(1, 999), help="of the hidden family, with `draw`")
@click.option("--seed", type=click.IntRange(0), help="of the round, published once methods are frozen")
@click.option("--count", type=click.IntRange(1, 100), default=8, show_default=True, help="suites to draw")
@click.option("--out", type=click.Path(path_type=Path), help="write drawn suites into this folder")
def suites(name: str | None, as_json: bool, number: int | None, seed: int | None, count: int, out: Path | None) -> None:
    """List all suites, or show one: its tasks, model, recipe, budget and seeds. Or draw those of a hidden round.

    \b
    bench suites                 all suites
    bench suites smoke-v1        every field of one, and what its defaults are
    bench suites draw --round 1 --seed 20260301 --out suites   the suites of a round, as docs/suites.md says
    """
    from bench.cli.displays.drawing import write_drawn
    from bench.cli.displays.listings import suite_data
    from bench.cli.displays.suites import show_suite, show_suites
    from bench.request.suite import load_suite
    from bench.request.suite import suite_names as names

    if name == "draw":
        if number is None or seed is None:
            raise UserError("which round? Say `bench suites draw --round N --seed S`.")
        write_drawn(number, seed, count, out)
        return

    found = [load_suite(each) for each in ([name] if name else names())]
    if as_json:
        print_json(suite_data(found[0]) if name else [suite_data(suite) for suite in found])
    elif name:
        show_suite(found[0])
    else:
        show_suites(found)
