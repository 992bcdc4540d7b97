"""Help pages, word for word, so that a change of what the user reads is seen in the diff.

`python -m tests.bench.cli.test_help` writes them again.
"""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from bench.cli.main import cli

GOLDEN = Path(__file__).parents[2] / "golden" / "help"
WIDTH = 80


def commands(command: click.Command = cli, *above: str) -> Iterator[tuple[str, ...]]:
    """The words of every command, `()` for bench itself."""
    yield above
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from commands(inner, *above, name)


def page(*words: str) -> str:
    """The help page of a command, at 80 columns."""
    done = CliRunner().invoke(cli, [*words, "--help"], prog_name="bench", terminal_width=WIDTH)
    assert done.exit_code == 0, done.output
    return done.output


def file_of(words: tuple[str, ...]) -> Path:
    return GOLDEN / f"{'-'.join(('bench', *words))}.txt"


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(("bench", *words)))
def test_the_page_is_the_golden_one(words: tuple[str, ...]) -> None:
    assert page(*words) == file_of(words).read_text("utf-8")


def test_every_command_speaks_json() -> None:
    lacking = [
        words
        for words in commands()
        if isinstance(found := _command(words), click.Command)
        and not isinstance(found, click.Group)
        and "--json" not in page(*words)
    ]
    assert lacking == []


def _command(words: tuple[str, ...]) -> click.Command:
    found: click.Command = cli
    for word in words:
        assert isinstance(found, click.Group)
        found = found.commands[word]
    return found


def test_every_golden_page_is_of_a_command() -> None:
    assert {file_of(words) for words in commands()} == set(GOLDEN.glob("*.txt"))


def test_short_summaries_are_whole() -> None:
    for name, command in cli.commands.items():
        assert command.short_help, name
        assert len(command.short_help) <= 45, name
    assert "..." not in page().partition("Train:")[2]


def test_the_help_of_run_lists_every_key() -> None:
    from bench.request.request import RUN_KEYS, keys

    text = page("run")
    for key in (*RUN_KEYS, *keys()):
        assert f"{key}=" in text or key.startswith(("method.", "wrapper.")), key


def main() -> None:
    """Write the pages of all commands."""
    for path in GOLDEN.glob("*.txt"):
        path.unlink()
    for words in commands():
        file_of(words).write_text(page(*words), "utf-8")


if __name__ == "__main__":
    main()
