"""The command line: a command parses, calls one function, prints. Exit codes: 0 done, 1 failed, 2 usage error.

Nothing heavy is imported before a command needs it, so that `bench --help` answers at once. Commands lie in
`bench.cli.commands`, one file a purpose; every command there whose function bears its name is registered here.
"""

import sys
from contextlib import suppress

import click

from bench.cli.commands import calibration, catalogue, installation, results, running, trust
from bench.cli.dialect import HELP, Sections
from bench.cli.output import writing
from bench.errors import UserError

ROOMS = {
    "Train": running,
    "Look at results": results,
    "Methods, tasks, suites": catalogue,
    "Judge suites": calibration,
    "Check and hand in": trust,
    "This installation": installation,
}


@click.group(cls=Sections, context_settings=HELP)
@click.version_option(package_name="balancebench", prog_name="bench")
def cli() -> None:
    """BalanceBench: compare methods that balance tasks in LLM post-training.

    Start with `bench run method=pcgrad`, then `bench site`.

    \b
    Both forms work on every command that takes one of these:
      suite=NAME       is  --suite NAME
      store=DIR        is  --store DIR
      data_root=DIR    is  --data-root DIR
      dry_run=true     is  --dry-run
    Piped output is tab-separated text of full width.

    \b
    Exit codes:
      0  done, also if the budget ended the run
      1  failed: a run, a check or the validation of a record; or interrupted
      2  usage error: the message says what was asked, what is allowed, and what to do
    """


assert isinstance(cli, Sections)
cli.sections = {title: [] for title in ROOMS}
for title, room in ROOMS.items():
    for name, command in vars(room).items():
        if isinstance(command, click.Command) and command.name == name:  # `new_method` is a part of `new`
            cli.add_command(command)
            cli.sections[title].append(name)


def fork_ahead(words: list[str]) -> None:
    """See `bench.run.ahead`. A package that is missing is named by the command."""
    from bench.run import ahead

    with suppress(ModuleNotFoundError):
        ahead.fork_ahead(words)


def main() -> None:
    """Entry point: errors a user can mend are one sentence on stderr and exit code 2."""
    with writing():
        try:
            if sys.argv[1:2] == ["run"]:  # before the arguments are parsed: the server must not know the run
                fork_ahead(sys.argv[2:])
            cli.main(standalone_mode=False)
        except UserError as error:
            click.echo(f"bench: {error}", err=True)
            sys.exit(error.exit_code)

        except click.ClickException as error:
            error.show()
            sys.exit(2)
        except (click.Abort, KeyboardInterrupt):
            click.echo("bench: interrupted; no record written. Run the same command again to resume.", err=True)
            sys.exit(1)
        except click.exceptions.Exit as stop:
            sys.exit(stop.exit_code)
