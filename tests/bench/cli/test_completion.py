"""Completion in a real bash, as Tab asks for it; zsh and fish get Click's scripts."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from click.shell_completion import ShellComplete

from bench.cli.completion import PROGRAM, VARIABLE, script
from bench.cli.main import cli
from methods._registry import cards

ROOT = Path(__file__).parents[3]
CODE = "import sys; sys.argv[0] = 'bench'; from bench.cli.main import main; main()"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a program `bench`, and the script that completes it in bash."""
    folder = tmp_path_factory.mktemp("bin")
    program = folder / "bench"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -c "{CODE}" "$@"\n')
    program.chmod(0o755)
    done = subprocess.run([program, "completion", "bash"], capture_output=True, text=True, check=True)
    (folder / "script").write_text(done.stdout)
    return folder


def complete(place: Path, line: str, breaks: str | None = None) -> list[str]:
    """What bash puts in the place of the word after its last break, for a line with the cursor at its end."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash here")
    # compopt works only while bash itself completes; here, what it is asked is printed.
    code = """
        compopt() { echo "compopt $*"; }
        source script
        COMP_LINE=$1 COMP_POINT=${#1}
        _bench_completion bench
        printf '%s\\n' "${COMPREPLY[@]}"
    """
    set_breaks = f"COMP_WORDBREAKS={breaks!r}\n" if breaks is not None else ""
    done = subprocess.run(
        [bash, "--norc", "-c", set_breaks + code, "bash", line],
        cwd=place,
        env={**os.environ, "PATH": f"{place}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert done.stderr == ""
    return [reply for reply in done.stdout.splitlines() if reply]


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("bench comp", ["compare", "completion"]),
        ("bench run metho", ["compopt -o nospace", "method="]),
        ("bench run method=pcg", ["pcgrad"]),
        ("bench run method=pcgrad tasks=lookup,arithm", ["lookup,arithmetic"]),
        ("bench run method=pcgrad store=", ["compopt -o dirnames"]),
        ("bench run nothing=", []),
    ],
)
def test_bash_completes(place: Path, line: str, replies: list[str]) -> None:
    assert complete(place, line) == replies


def words(line: str) -> list[str]:
    """What may stand in the place of the last word of a line, as Click is asked for it by any shell."""
    _, *given, last = line.split(" ")
    return [item.value for item in ShellComplete(cli, {}, PROGRAM, VARIABLE).get_completions(given, last)]


@pytest.mark.parametrize(
    ("line", "replies"),
    [
        ("bench run method=pcgrad suite=smoke-v", ["suite=smoke-v1"]),
        ("bench run method=pcgrad suite=smoke-v1 seed=", ["seed=0", "seed=1", "seed=2"]),
        ("bench run method=uniform wrapper=samo", ["wrapper=samo"]),
        ("bench run method=samo", []),  # a wrapper is no method
        ("bench run method=pcgrad,mgd", []),  # one run has one method
        ("bench run method=pcgrad recipe.learn", ["recipe.learning_rate="]),
        ("bench run method=pcgrad recipe.schedule=c", ["recipe.schedule=constant", "recipe.schedule=cosine"]),
        ("bench run method=pcgrad dry_run=", ["dry_run=true", "dry_run=false"]),
        ("bench plan method=pcgrad,mgd", ["method=pcgrad,mgda"]),
        ("bench sweep seed=a", ["seed=all"]),
        ("bench sweep worker", ["workers="]),
        ("bench methods pcg", ["pcgrad"]),
        ("bench check pcg", ["pcgrad"]),
        ("bench tasks look", ["lookup"]),
        ("bench explain pcgrad uniform@mu", ["uniform@muon"]),
        ("bench leaderboard nano-v", ["nano-v1", "nano-v2"]),
        ("bench completion f", ["fish"]),
    ],
)
def test_what_may_follow(line: str, replies: list[str]) -> None:
    assert words(line) == replies


def test_methods_and_wrappers_are_those_of_the_registry() -> None:
    """They are found by patterns, which are quicker than parsing."""
    known = cards()
    wrappers = [name for name, card in known.items() if "StepWrapper" in card.acts_on]
    assert len(wrappers) > 3
    assert words("bench run wrapper=") == [f"wrapper={name}" for name in wrappers]
    assert words("bench methods ") == list(known)


def test_a_key_that_is_given_is_not_offered_again() -> None:
    offered = words("bench run suite=nano-v1 ")
    assert "method=" in offered
    assert "suite=" not in offered


def test_the_whole_word_is_given_where_bash_does_not_break_at_equals(place: Path) -> None:
    assert complete(place, "bench run method=pcg", breaks=" \t\n") == ["method=pcgrad"]


def test_it_needs_no_training_stack() -> None:
    """Not even where all methods, tasks and suites are listed."""
    code = (
        "import sys, click\nfrom bench.cli import completion\nfrom bench.cli.commands.running import run\n"
        "context = click.Context(run, info_name='run')\nword = run.params[0]\n"
        "for text in ('', 'method=', 'suite=', 'seed=', 'tasks=', 'wrapper=', 'regime='):\n"
        "    assert completion.run_words(context, word, text), text\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    assert not set(done.stdout.split()) & {"torch", "transformers", "trl", "datasets", "lm_eval", "scipy"}


@pytest.mark.parametrize(("shell", "said"), [("zsh", "compdef"), ("fish", "complete --no-files --command bench")])
def test_other_shells_have_clicks_scripts(shell: str, said: str) -> None:
    text = script(shell)
    assert said in text
    assert "_BENCH_COMPLETE" in text
