"""One dialect: a notion is a word and an option alike, wherever a command has it; mistakes get the right hint."""

import json

import click
import pytest
from click.testing import CliRunner, Result

from bench.cli.main import cli
from bench.errors import UserError
from bench.request.request import RESULTS


def bench(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (("leaderboard", "nano-v1"), ("leaderboard", "suite=nano-v1")),
        (("leaderboard", "--suite", "nano-v1"), ("leaderboard", "suite=nano-v1")),
        (("leaderboard", "--results", str(RESULTS)), ("leaderboard", f"store={RESULTS}")),
        (("leaderboard", f"--store={RESULTS}"), ("leaderboard", f"store={RESULTS}")),
        (("compare", "pcgrad", "uniform", "--suite=nano-v1"), ("compare", "suite=nano-v1", "pcgrad", "uniform")),
        (("report", "R3", "--suite", "nano-v1"), ("report", "suite=nano-v1", "r3")),
        (
            ("plan", "method=pcgrad", "--suite", "smoke-v1", "--store", "s"),
            ("plan", "method=pcgrad", "suite=smoke-v1", "store=s"),
        ),
        (
            ("run", "method=pcgrad", "--suite=smoke-v1", "--dry-run"),
            ("run", "method=pcgrad", "suite=smoke-v1", "dry_run=true"),
        ),
    ],
    ids=lambda words: " ".join(words).replace(str(RESULTS), "results"),
)
def test_a_word_and_an_option_say_the_same(first: tuple[str, ...], second: tuple[str, ...]) -> None:
    found = [bench(*words, "--json") for words in (first, second)]
    assert [each.exit_code for each in found] == [0, 0], [each.output + str(each.exception) for each in found]
    assert json.loads(found[0].stdout) == json.loads(found[1].stdout)


@pytest.mark.parametrize("notion", ["suite", "store", "data_root", "dry_run"])
def test_a_notion_has_one_spelling(notion: str) -> None:
    """An option of that name is spelt `--suite`, `--store`, `--data-root` or `--dry-run` on every command."""
    options = [option for command in cli.commands.values() for option in command.params if option.name == notion]
    found = [option for option in options if isinstance(option, click.Option)]
    assert len(found) >= 2
    assert {option.opts[0] for option in found} == {f"--{notion.replace('_', '-')}"}


def test_no_option_has_another_name_for_a_notion() -> None:
    known = {"results": "store", "root": "data_root"}
    names = {option.name for command in cli.commands.values() for option in command.params}
    assert not names & set(known)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "methd=pcgrad"), "no key 'methd'. Did you mean 'method'?"),
        (("run", "method=PCGrad"), "no method 'PCGrad'. Did you mean 'pcgrad'"),
        (("methods", "UPGRAD"), "Did you mean 'upgrad'"),
        (("report", "R88"), "no report R88. Reports are R1"),
        (("leaderboard", "nano-v1", "suite=smoke-v1"), "two suites are named, nano-v1 and smoke-v1"),
        (("submit", "dry_run=maybe"), "neither true nor false"),
        (("suites", "nano"), "nano-v1"),
    ],
    ids=lambda words: " ".join(words) if isinstance(words, tuple) else "",
)
def test_mistakes_get_the_right_hint(words: tuple[str, ...], said: str) -> None:
    done = bench(*words)
    assert isinstance(done.exception, UserError)
    assert said in str(done.exception)


def test_a_suite_is_shown_with_every_key() -> None:
    text = bench("suites", "smoke-v1").output
    for line in ("regime\tgrpo", "recipe.steps\t4", "evaluation.items\t", "lora.r\t0"):
        assert line in text
    assert json.loads(bench("suites", "smoke-v1", "--json").output)["recipe"]["steps"] == 4
