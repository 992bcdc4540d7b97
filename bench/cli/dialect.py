"""One dialect for all commands: what a word means, and that it is a word and an option alike.

`suite=S` is `--suite S`, `store=DIR` is `--store DIR`, `data_root=DIR` is `--data-root DIR`, `dry_run=true` is
`--dry-run`, on every command that has the notion.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from bench.cli.completion import suite_names
from bench.errors import UserError
from bench.places import DEFAULT_SUITE

HELP: dict[str, Any] = {"help_option_names": ["-h", "--help"]}
WORDS = "words"
"""The argument of commands that take `key=value` words; their options become such words."""


def suite_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--suite NAME`, which is `suite=NAME`."""
    return click.option(
        "--suite", metavar="NAME", shell_complete=suite_names, help=f"suite, by default {DEFAULT_SUITE}"
    )(command)


def store_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--store DIR`, which is `store=DIR`; `--results` is its old name."""
    folder = click.Path(path_type=Path)
    return click.option("--store", "--results", "store", type=folder, help="folder of records, by default results/")(
        command
    )


def data_root_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--data-root DIR`, which is `data_root=DIR`."""
    folder = click.Path(path_type=Path)
    return click.option("--data-root", type=folder, help="local copies of the data sets, in place of the hub")(command)


def dry_run_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--dry-run`, which is `dry_run=true`."""
    return click.option("--dry-run", is_flag=True, help="say what would be done and what it costs")(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """`--json`: the same for programs."""
    return click.option("--json", "as_json", is_flag=True, help="print JSON instead of tables")(command)


class Dialect(click.Command):
    """A command of the dialect."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"context_settings": HELP, **options})

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        """Words that are options are taken as such; where a command takes words, its options become words."""
        options = {option.name: option for option in self.params if isinstance(option, click.Option) and option.name}
        if not self._takes_words:
            return super().parse_args(context, [_as_option(arg, options) for arg in args])

        rest = super().parse_args(context, args)
        words = list(context.params[WORDS])
        for name in ("suite", "store", "data_root", "dry_run"):
            # A suite that is an argument of its own stays one.
            value = context.params.pop(name, None) if name in options else None
            if value:
                words.append(f"{name}={'true' if value is True else value}")
        context.params[WORDS] = tuple(words)
        return rest

    @property
    def _takes_words(self) -> bool:
        return any(isinstance(each, click.Argument) and each.name == WORDS for each in self.params)


def _as_option(arg: str, options: dict[str, click.Option]) -> str:
    """`suite=S` as `--suite=S`, where the command has the option; any other argument as it is."""
    key, equals, value = arg.partition("=")
    if not equals or key not in options:
        return arg

    option = options[key]
    if not option.is_flag:
        return f"{option.opts[0]}={value}"
    if value not in ("true", "false"):
        raise UserError(f"{arg} is neither true nor false.")
    return option.opts[0] if value == "true" else (option.secondary_opts or [f"{option.opts[0]}=false"])[0]


def one_suite(*said: str | None) -> str:
    """The suite that is named, once as an argument or as an option; the default one if none is."""
    named = list(dict.fromkeys(filter(None, said)))
    if len(named) > 1:
        raise UserError(f"two suites are named, {' and '.join(named)}. Name one.")
    return named[0] if named else DEFAULT_SUITE


class Sections(click.Group):
    """The commands in groups, as their files are."""

    sections: dict[str, list[str]]

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one list a section; no summary is cut at 80 columns."""
        for title, names in self.sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self.commands[name].get_short_help_str(45)) for name in names])
