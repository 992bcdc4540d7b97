"""Commands about this installation."""

import sys

import click

from bench.cli.completion import SHELLS
from bench.cli.dialect import Dialect, json_option
from bench.cli.output import print_json


@click.command(cls=Dialect, short_help="check the installation, suggest fixes")
@json_option
def doctor(as_json: bool) -> None:
    """Check this installation: packages, model, sandbox, disk. Exit code 1 if something is wrong."""
    from bench.cli.doctor import checks

    found = []
    for check in checks():
        found.append(check)
        if not as_json:
            _show(*check)
    if as_json:
        print_json(
            [
                {"check": name, "problem": problem, "remedy": remedy if problem else ""}
                for name, problem, remedy in found
            ]
        )
    sys.exit(1 if any(problem for _, problem, _ in found) else 0)


@click.command(cls=Dialect, short_help="print the completion script of a shell")
@click.argument("shell", type=click.Choice(SHELLS))
@json_option
def completion(shell: str, as_json: bool) -> None:
    """Print the script that completes commands, methods, suites, tasks and keys in a shell.

    \b
    source <(bench completion bash)        this shell; in ~/.bashrc: every shell
    source <(bench completion zsh)         after compinit
    bench completion fish | source
    """
    from bench.cli.completion import script

    print_json({"shell": shell, "script": script(shell)}) if as_json else click.echo(script(shell), nl=False)


def _show(name: str, problem: str, remedy: str) -> None:
    click.echo(f"{'ok     ' if not problem else 'WRONG  '}{name}{': ' + problem if problem else ''}")
    if problem:
        click.echo(f"       {remedy}")
