"""What a stranger's terminal, pipe and disk do to the output: nothing is cut, nothing ends in a traceback."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from bench.cli.displays.terminal import Listing, Terminal
from bench.cli.output import PLAIN

LONG = "task_normalised_advantage@sparse_training+0a09563d"
VERDICT = "not separable"


def listing() -> Listing:
    table = Listing(title="a title").sparing("seconds", "seeds", "p")
    for name in ("method", "mean gain", "minus uniform", "p", "seconds", "seeds"):
        table.add_column(name)
    table.add_column("verdict", overflow="fold")
    table.add_row(LONG, "+0.423 \u00b1 0.004", "+0.060 \u00b1 0.007", "<0.001", "1.51", "5", VERDICT)
    return table


def shown(tty: bool, width: int | None = None) -> str:
    out = StringIO()
    Terminal(tty=tty, width=width, file=out, force_terminal=False).print(listing())
    return out.getvalue()


def test_a_pipe_gets_tab_separated_text_of_full_width() -> None:
    title, heading, row = shown(tty=False).splitlines()
    assert title == "a title"
    assert heading.split("\t")[0] == "method"
    assert row.split("\t") == [LONG, "+0.423 \u00b1 0.004", "+0.060 \u00b1 0.007", "<0.001", "1.51", "5", VERDICT]


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_a_terminal_folds_names_and_cuts_nothing(width: int) -> None:
    text = shown(tty=True, width=width)
    assert all(len(line) <= width for line in text.splitlines())
    assert "\u2026" not in text
    squeezed = "".join(sign for sign in text if sign.isalnum() or sign in "_@+")
    assert "notseparable" in squeezed or all(word in text for word in VERDICT.split())
    assert ("Not shown" in text) == (width <= 80)


def test_columns_that_are_left_out_are_named() -> None:
    assert "Not shown at this width: seconds" in shown(tty=True, width=80)
    assert "Not shown" not in shown(tty=True, width=160)


def command(*words: str, **options: object) -> "subprocess.CompletedProcess[str]":
    arguments = [sys.executable, "-m", "bench", *words]
    return subprocess.run(arguments, capture_output="stdout" not in options, text=True, check=False, **options)


def test_a_terminal_without_our_signs_gets_others() -> None:
    done = command("leaderboard", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert (done.returncode, done.stderr) == (0, "")
    assert f" {PLAIN[chr(0xB1)]} " in done.stdout


@pytest.mark.parametrize("words", [("leaderboard",), ("doctor",), ("validate", "results/nano-v1/pcgrad"), ("--help",)])
def test_a_full_disk_is_said_in_one_sentence(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = command(*words, stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1
    assert done.stderr == "bench: cannot write the output: No space left on device. Free some space.\n"


def test_a_reader_that_leaves_is_no_error() -> None:
    line = f"set -o pipefail; {sys.executable} -m bench methods --json | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert done.stdout == "[\n"
    assert done.stderr == ""


def test_a_terminal_is_a_console() -> None:
    assert isinstance(Terminal(tty=False), Console)
