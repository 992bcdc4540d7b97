"""Commands about this installation."""

import sys

import click


@click.command()
def doctor() -> None:
    """Check this installation: packages, model, sandbox, disk. Exit code 1 if something is wrong."""
    from bench.doctor import checks

    wrong = 0
    for name, problem, remedy in checks():
        click.echo(f"{'ok     ' if not problem else 'WRONG  '}{name}{': ' + problem if problem else ''}")
        if problem:
            click.echo(f"       {remedy}")
            wrong += 1
    sys.exit(1 if wrong else 0)
