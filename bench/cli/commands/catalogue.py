"""Commands that show, check and write what runs are made of: methods, tasks, suites."""

import sys
from pathlib import Path

import click

from bench.cli.completion import method_names, suite_names, task_names
from bench.cli.dialect import HELP, Dialect, data_root_option, json_option
from bench.cli.output import print_json
from bench.errors import UserError

KINDS = ("python", "number", "choice", "exact", "formula", "python-tests", "function")
"""What a new task may be; `bench.contributing.own.KINDS`, whose module is not loaded for a list of words."""
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


@click.command(cls=Dialect, short_help="try the contract on a method or a task")
@click.argument("method", metavar="[METHOD|TASK]", required=False, shell_complete=method_names)
@data_root_option
@json_option
def check(method: str | None, data_root: Path | None, as_json: bool) -> None:
    """Try every property of the contract on one method, or on one task.

    \b
    bench check pcgrad              a method of methods/
    bench check path/to/mine.py     a method or a task in a file from anywhere
    bench check torchjd/UPGrad      another library's, where the contract binds it
    bench check lookup              a task
    bench check rows.jsonl:number   a task of JSON lines, with its verifier

    Exit code 1: a property is broken, and the table says how.
    """
    if method is None:
        raise UserError(
            "which one? Say `bench check NAME` or `bench check FILE`; `bench methods` and `bench tasks` list the names."
        )
    from bench.cli.displays.listings import report_data
    from bench.cli.displays.methods import checking, show_report
    from bench.contributing.authoring import examine, examine_task
    from bench.contributing.own import task_meant

    _data_at(data_root)
    task = task_meant(method)
    with checking() as begins:
        report = examine_task(task, begins) if task else examine(method, begins)
    print_json(report_data(report)) if as_json else show_report(report)
    sys.exit(1 if report.broken else 0)


@click.group(context_settings=HELP, short_help="write a new method, task or suite")
def new() -> None:
    """Write a new method, task or suite from a template."""


@new.command("method", cls=Dialect)
@click.argument("name")
@click.option(
    "--acts-on", type=click.Choice(PLACES), default="gramian", show_default=True, help="where the method acts"
)
@click.option("--dir", "folder", type=click.Path(path_type=Path), help="write the method's file only, into this folder")
@json_option
def new_method(name: str, acts_on: str, folder: Path | None, as_json: bool) -> None:
    """Write a working method and a test with its first golden value.

    \b
    bench new method reward_gap --acts-on loss      methods/reward_gap.py and its test
    bench new method reward_gap --dir ~/mine        a file that is run as method=~/mine/reward_gap.py
    """
    from bench.contributing.authoring import next_commands, write_method
    from bench.places import CHECKOUT

    folder = folder if folder or CHECKOUT else Path()
    written = write_method(name, acts_on, folder)
    said = "It works as it is. Replace what it does, and every TODO of its card; then:"
    _show_new(written, said, next_commands(name, acts_on, folder), as_json)


@new.command("task", cls=Dialect)
@click.argument("name")
@click.option("--kind", default="python", show_default=True, type=click.Choice(KINDS), help="python, or a verifier")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="folder, by default the current one"
)
@json_option
def new_task(name: str, kind: str, folder: Path, as_json: bool) -> None:
    """Write a working task into the current folder: a file of Python, or JSON lines with a verifier.

    \b
    bench new task sums                     sums.py: a task that draws its questions
    bench new task trivia --kind exact      trivia.jsonl: two hundred lines to replace
    bench new task essays --kind function   essays.jsonl, and a verifier of your own beside it
    """
    from bench.contributing.own import write_task

    written = write_task(name, kind, folder)
    then = [f"bench check {written[0]}", f"bench tasks {written[0]}", f"bench new suite mixture --tasks {written[0]}"]
    _show_new(written, "It works as it is. Put your own rows and rules in their place; then:", then, as_json)


@new.command("suite", cls=Dialect)
@click.argument("name")
@click.option("--tasks", default="addition,lookup", show_default=True, help="names and files, with commas between")
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), default=Path(), help="folder, by default the current one"
)
@json_option
def new_suite(name: str, tasks: str, folder: Path, as_json: bool) -> None:
    """Write a mixture of your own into the current folder.

    \b
    bench new suite mixture                               mixture.yaml, of two of the project's tasks
    bench new suite mixture --tasks rows.jsonl,lookup     your own rows and a task of the project
    """
    from bench.contributing.own import write_suite

    written = write_suite(name, tasks, folder)
    file = written[0]
    then = [f"bench suites {file}", f"bench run method=pcgrad suite={file} dry_run=true"]
    then += [f"bench sweep method=uniform,pcgrad suite={file} seed=all store=runs"]
    then += [f"bench leaderboard suite={name} store=runs"]
    _show_new(written, "It runs as it is. Change what you like; then:", then, as_json)


def _show_new(written: list[Path], said: str, then: list[str], as_json: bool) -> None:
    """The files, and the commands that come next."""
    if as_json:
        print_json({"written": list(map(str, written)), "next": then})
        return
    for path in written:
        click.echo(f"Written: {path}")
    click.echo(said)
    for command in then:
        click.echo(f"    {command}")


def _data_at(folder: Path | None) -> None:
    """Tell the tasks where data sets are."""
    import os

    from tasks._data import ROOT

    if folder is not None:
        os.environ[ROOT] = str(folder)


@click.command(cls=Dialect, short_help="fix a new method's golden answers")
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=method_names)
@click.option("--check", is_flag=True, help="say what is not frozen, and enter nothing")
@click.option("--rewritten", is_flag=True, help="also enter code that changed and gives the same golden answers")
@json_option
def freeze(names: tuple[str, ...], check: bool, rewritten: bool, as_json: bool) -> None:
    """Enter new methods and new versions in tests/golden/: their source's digest and their golden answers.

    \b
    bench freeze reward_gap     one method
    bench freeze                all that are new
    bench freeze --check        exit code 2, and a line each, if there is anything to enter

    A method that changed without a new version is refused: raise its `version`.
    """
    from bench.places import checkout
    from methods._registry import freeze as enter
    from methods._registry import not_frozen

    checkout("bench freeze")
    if check:
        missing = not_frozen()
        if as_json:
            print_json({"frozen": [], "missing": missing})
            sys.exit(2 if missing else 0)
        if missing:
            raise UserError("\n".join(missing))
        click.echo("Every version is frozen.")
        return

    entered = enter(names=names, rewritten=rewritten)
    if as_json:
        print_json({"frozen": entered, "missing": []})
        return
    click.echo(f"Frozen: {', '.join(entered)}" if entered else "Nothing is new: every version is frozen already.")


@click.command(cls=Dialect, short_help="list all tasks, or show one with samples")
@click.argument("name", required=False, shell_complete=task_names)
@data_root_option
@json_option
def tasks(name: str | None, data_root: Path | None, as_json: bool) -> None:
    """List all tasks, or show one: its card, sample prompts, its verifier's verdicts on right and wrong replies.

    NAME may be a file: task.py, rows.jsonl or rows.jsonl:VERIFIER.

    \b
    bench tasks                                  all tasks
    bench tasks arc_easy data_root=~/data        one, with its rows from ~/data/arc_easy/
    """
    from bench.cli.displays.tasks import show_task, show_tasks, task_json, tasks_json
    from bench.cli.displays.terminal import console
    from bench.contributing.own import task_meant
    from bench.request.network import offline_if_unreachable
    from tasks._registry import all_tasks, get_task

    _data_at(data_root)
    if name:
        offline_if_unreachable()
        task = task_meant(name) or get_task(name)
        print_json(task_json(task)) if as_json else show_task(task, console())
    elif as_json:
        print_json(tasks_json(all_tasks()))
    else:
        show_tasks(all_tasks(), console())


@click.command(cls=Dialect, short_help="list all suites, or show one")
@click.argument("name", required=False, shell_complete=suite_names)
@json_option
@click.option("--round", "number", type=click.IntRange(1, 999), help="round of the hidden family, with `draw`")
@click.option("--seed", type=click.IntRange(0), help="seed of the round, published once methods are frozen")
@click.option("--count", type=click.IntRange(1, 100), default=8, show_default=True, help="suites to draw")
@click.option("--out", type=click.Path(path_type=Path), help="write drawn suites into this folder")
def suites(name: str | None, as_json: bool, number: int | None, seed: int | None, count: int, out: Path | None) -> None:
    """List all suites, or show one: its tasks, model, recipe, budget and seeds. Or draw the suites of a hidden round.

    NAME may be a file of yours that ends in .yaml.

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
