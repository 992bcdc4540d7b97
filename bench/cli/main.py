"""The command line: a command parses, calls one function, prints. Exit codes: 0 done, 1 failed, 2 misused.

Nothing heavy is imported before a command needs it, so that `bench --help` answers at once. Commands lie in
`bench.cli.commands`, one file a purpose; every command there whose function bears its name is registered here.
"""

import sys

import click

from bench.cli.commands import catalogue, installation, results, running, trust
from bench.errors import UserError

ROOMS = (running, catalogue, results, trust, installation)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="balancebench", prog_name="bench")
def cli() -> None:
    """BalanceBench: compare methods that balance tasks in LLM post-training.

    Start with `bench run method=pcgrad`, then `bench site`.

    \b
    Exit codes:
      0  done; also a run that its budget ended
      1  failed: a run, a check, a record that is refused; or interrupted
      2  misused: one sentence says what was asked, what is allowed, and what to do
    """


for room in ROOMS:
    for name, command in vars(room).items():
        if isinstance(command, click.Command) and command.name == name:  # `new_method` is a part of `new`
            cli.add_command(command)


def main() -> None:
    """Entry point: errors a user can mend are one sentence on stderr and exit code 2."""
    try:
        cli.main(standalone_mode=False)
    except UserError as error:
        click.echo(f"bench: {error}", err=True)
        sys.exit(error.exit_code)

    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("bench: interrupted; no record was written. The same command goes on.", err=True)
        sys.exit(1)
    except click.exceptions.Exit as exit_:
        sys.exit(exit_.exit_code)
