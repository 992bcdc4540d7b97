"""The keys of `bench run`: all of them in its help, by group and with defaults; a wrong one gets a hint."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, get_args, get_origin

import click

from bench.cli.dialect import Dialect
from bench.errors import UserError, close_to

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

RUN = {
    "method=NAME": "which method: a name, a library's as torchjd/UPGrad, or a file that ends in .py",
    "method.SETTING=VALUE": "a setting of the method; `bench methods NAME` lists them",
    "wrapper=NAME": "what acts around the method; wrapper.SETTING=VALUE is a setting of it",
    "suite=nano-v2": "which suite; `bench suites` lists them; or a file of yours that ends in .yaml",
    "seed=0": "one of the suite's seeds",
    "store=results": "the folder that gets the record; runs where suite or tasks are files of yours",
    "track=default": "default, or tuned: what `bench tune` chose (tuned=DIR: from there)",
    "save_model=DIR": "keep the trained model there, as a checkpoint; one a task for a plan that ends so",
    "data_root=DIR": "local copies of the data sets, in place of the hub",
    "dry_run=false": "true: only say what the run would do and cost",
    "unsafe_code=false": "true: run model-written code where nothing can confine it",
    "shard=false": "true: keep a part of the model in each process (FSDP2, SFT only)",
}
"""Keys that say which run it is, and where."""


def check_keys(words: Iterable[str]) -> None:
    """UserError for a word with a key that does not exist, before anything else is said about the words."""
    from bench.request.request import RUN_KEYS, keys

    known = [*(key for key in RUN_KEYS if "." not in key), *keys()]
    for word in words:
        key, equals, _ = word.partition("=")
        if equals and key not in known and not key.startswith(("method.", "wrapper.")):
            raise UserError(f"no key {key!r}.{close_to(key, known)} `bench run --help` lists all keys.")


class KeysHelp(Dialect):
    """A command whose help ends with the keys."""

    def format_epilog(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the keys, a section a group."""
        with formatter.section("Keys, with their defaults"):
            formatter.write_dl(list(RUN.items()))
        for title, rows in groups():
            with formatter.section(title):
                formatter.write_dl(rows)


def groups() -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The keys that change a suite, by the part of it: `key=default` and what it is."""
    from pydantic import BaseModel

    from bench.request.request import FIXED
    from bench.request.suite import Suite

    fields = {name: field for name, field in Suite.model_fields.items() if name not in FIXED}
    kinds = {name: field.annotation for name, field in fields.items()}
    parts = {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, BaseModel)}
    plain = [(name, field) for name, field in fields.items() if name not in parts]
    yield "Keys that change the suite; its run is exploratory, and not ranked", [_row("", *each) for each in plain]
    for name, kind in parts.items():
        yield f"{name}.", [_row(f"{name}.", *each) for each in kind.model_fields.items()]


def _row(prefix: str, name: str, field: "FieldInfo") -> tuple[str, str]:
    """`recipe.steps=...` and its description; choices are listed."""
    choices = ", ".join(map(str, get_args(field.annotation))) if _is_choice(field.annotation) else ""
    text = "; ".join(filter(None, (field.description or "", choices and f"one of {choices}")))
    return f"{prefix}{name}={_default(field)}", text


def _is_choice(kind: object) -> bool:
    from typing import Literal

    return get_origin(kind) is Literal


def _default(field: "FieldInfo") -> str:
    """The default as it is written on the command line; `...` where every suite says it."""
    if field.is_required():
        return "..."
    value = field.get_default(call_default_factory=True)
    if isinstance(value, bool):
        return str(value).lower()
    if value is None or value in ((), {}):
        return "none"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
