"""The command line as a user meets it: a fresh process, its output, its exit code."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMANDS = (
    "run", "plan", "sweep", "tune", "calibrate",
    "methods", "check", "new", "tasks", "suites", "show", "leaderboard", "compare",
    "explain", "report", "site", "validate", "reproduce", "submit", "doctor", "completion",
)  # fmt: skip
CODE = "import sys; from bench.cli.main import main; sys.argv[0] = 'bench'; main()"


def bench(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE, *words],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )


def test_help_lists_every_command():
    done = bench("--help")
    assert done.returncode == 0
    for command in COMMANDS:
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    done = bench(command, "--help")
    assert done.returncode == 0
    assert done.stdout.startswith("Usage: bench")


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        (("methods",), ["pcgrad", "GramianWeighting", "arXiv 2001.06782"]),
        (("tasks",), ["arithmetic", "lookup", "qa"]),
        (("tasks", "induction"), ["f(x)=", "reward", "revision 1"]),
        (("suites",), ["nano-v1", "smoke-v1"]),
    ],
)
def test_listings(words, shown):
    done = bench(*words)
    assert done.returncode == 0, done.stderr
    for text in shown:
        assert text in done.stdout


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("leaderboard",), "methods"),
        (("compare", "pcgrad", "uniform", "suite=nano-v1"), "differences"),
        (("report", "nano-v1"), "reports"),
    ],
)
def test_the_leaderboard_in_the_terminal(words, key):
    shown, data = bench(*words), bench(*words, "--json")
    assert (shown.returncode, data.returncode) == (0, 0), shown.stderr + data.stderr
    assert "uniform" in shown.stdout
    assert json.loads(data.stdout)[key]


def test_a_broken_record_fails_the_site_unless_told_to_keep_going(tmp_path):
    shutil.copytree(ROOT / "results" / "nano-v1" / "uniform", tmp_path / "store" / "nano-v1" / "uniform")
    (tmp_path / "store" / "nano-v1" / "uniform" / "0.json").write_text('{"schema_version": 1')
    words = ("site", "--results", str(tmp_path / "store"), "--out", str(tmp_path / "site"))
    refused = bench(*words)
    assert refused.returncode == 1
    assert "0.json" in refused.stderr
    assert "Traceback" not in refused.stderr
    assert bench(*words, "--keep-going").returncode == 0
    assert "0.json" in (tmp_path / "site" / "index.html").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run", "method=pcgrd"), "Did you mean 'pcgrad'"),
        (("compare", "pcgrd", "uniform"), "Did you mean 'pcgrad'"),
        (("compare", "pcgrad"), "two"),
        (("leaderboard", "nano"), "nano-v1"),
        (("report", "--results", "nowhere"), "no folder nowhere"),
        (("run", "method=uniform", "suite=nano"), "bench suites"),
        (("run", "method=uniform", "recipe.steps=many"), "recipe.steps=many"),
        (("run", "method=uniform", "stepps=3"), "no key 'stepps'"),
        (("run", "method=uniform", "tasks=arithmetik"), "Did you mean 'arithmetic'"),
        (("run", "method=uniform", "seed=77"), "prescribed seeds"),
        (("run", "method=uniform", "model=gpt5"), "no model 'gpt5'"),
        (("run", "method=static", "method.weights=-1,1,1,1,1,1"), "weights"),
        (("run", "method=static", "method.weights=1,2"), "weights"),
        (("run", "method=pcgrad", "method.alpha=1"), "alpha"),
        (("run", "method=uniform", "evaluation.items=90000", "tasks=execution"), "execution"),
        (("run",), "which method"),
        (("calibrate", "nano-v22"), "no suite 'nano-v22'"),
        (("calibrate", "smoke-v1", "seeds=0"), "whole number from 1 to 100"),
        (("sweep", "method=frontier", "suite=smoke-v1"), "bench calibrate smoke-v1 --points"),
        (("tasks", "lokup"), "Did you mean 'lookup'"),
        (("show", "nowhere.json"), "cannot read nowhere.json"),
        (("show", "README.md"), "is not a record"),
        (("fly",), "No such command"),
        (("site", "--out", "bench"), "bench"),
    ],
)
def test_bad_input_is_one_sentence_exit_code_2_and_no_traceback(words, said):
    done = bench(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout.count("step") == 0


def test_a_store_that_cannot_be_written_is_a_clear_error(tmp_path):
    """A file where the folder should be: nothing half-written, and the sentence says what to do."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    done = bench("run", "method=uniform", "suite=smoke-v1", "recipe.steps=1", "evaluation.items=4", f"store={blocked}")
    assert done.returncode == 2
    assert "can write to; free space or choose another with store=DIR" in done.stderr
    assert "Traceback" not in done.stderr
    assert blocked.read_text() == ""


def test_a_run_prints_its_table_and_show_prints_it_again(tmp_path):
    words = ("run", "method=pcgrad", "suite=smoke-v1", "recipe.steps=1", "evaluation.items=8", f"store={tmp_path}")
    done = bench(*words)
    assert done.returncode == 0, done.stderr
    for text in ("before", "gain - uniform", "norm share", "Cost: 1 steps", "Record: ", "Exploratory, not ranked"):
        assert text in done.stdout
    again = bench(*words)
    assert "Already done" in again.stdout
    (record,) = tmp_path.rglob("*.json")
    assert bench("show", str(record)).stdout.splitlines()[-1].startswith("Record: ")


def test_doctor_finds_nothing_wrong_here():
    done = bench("doctor")
    assert done.returncode == 0, done.stdout
    assert "sandbox" in done.stdout
    assert "WRONG" not in done.stdout
