"""`bench validate` as a user meets it: what it prints, what it exits with."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from bench.cli.commands.trust import validate
from bench.errors import UserError
from bench.places import ROOT
from bench.protocol import PROTOCOL
from bench.request.request import RESULTS


def bench(*words: object) -> Result:
    return CliRunner().invoke(validate, [str(word) for word in words])


def test_all_that_is_committed_is_good(monkeypatch):
    """The whole of results/, as CI asks of main, where history has all of it."""
    monkeypatch.setattr("bench.validation.mixture.PROTOCOL", PROTOCOL)
    done = bench("--json", "--against", "HEAD")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["good"], found["errors"], found["warnings"]) == (0, True, [], [])
    assert found["records"] == len(list(RESULTS.glob("*/**/*.json"))) >= 90


def test_a_good_store_in_words(results: Path):
    done = bench("--results", results)
    assert done.exit_code == 0
    assert "2 without a problem" in done.stdout
    last = done.stdout.splitlines()[-2:]
    assert last == [
        "not checked: append-only: no git history to compare with",
        "good: 10 records, 0 errors, 0 warnings",
    ]


def test_a_problem_names_file_field_reason_and_remedy(forger, results: Path):
    forger.edit(lambda data: data["ledger"].update(reward_calls=1))
    done = bench("--results", results, "--json")
    assert done.exit_code == 1
    (problem,) = json.loads(done.stdout)["errors"]
    assert problem == {
        "file": str(forger.path()),
        "field": "ledger.reward_calls",
        "reason": "is 1 for 14,400 rollouts",
        "remedy": "Run the method again; do not edit a record.",
    }
    text = bench("--results", results).stdout
    assert f"error: {forger.path()}: field ledger.reward_calls: is 1 for 14,400 rollouts. Run the method" in text
    assert "refused: 10 records, 1 error, 0 warnings" in text
    assert re.search(r"^nano-v1/pcgrad\t5\t1\t", text, re.MULTILINE), "piped output is tab-separated"


def test_a_warning_refuses_nothing(forger, results: Path):
    forger.edit(lambda data: data["method"]["card"].update(title="Another"))
    done = bench("--results", results)
    assert done.exit_code == 0
    assert "warning: " in done.stdout


def test_hostile_names_are_shown_in_plain_characters(results: Path):
    (results / "nano-v1/pcgrad/\x1b[31m\u202e.json").write_text("{}")
    for words in ((), ("--json",)):
        done = bench("--results", results, *words)
        assert done.exit_code == 1
        assert not {"\x1b", "\u202e"} & set(done.stdout)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--results", "no-such-folder"], "no folder no-such-folder with records"),
        (["--checkout", "no-such-folder"], "no folder no-such-folder/results with records"),
        (["README.md"], "README.md is not in"),
        (["results/../README.md"], "is not in"),
        (["results/nano-v1/sorcery"], "there is no results/nano-v1/sorcery"),
        (["--against", "no-such-branch"], "git knows no such commit"),
    ],
)
def test_a_misuse_is_one_sentence(words: list[str], said: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(ROOT)
    error = bench(*words).exception
    assert isinstance(error, UserError)
    assert said in str(error)
    assert error.exit_code == 2


def test_a_misuse_exits_with_2_and_no_traceback():
    code = "import sys; from bench.cli.main import main; sys.argv[0] = 'bench'; main()"
    words = [sys.executable, "-c", code, "validate", "--results", "no-such-folder"]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(words, capture_output=True, text=True, cwd=ROOT, env=env, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("bench: no folder no-such-folder with records")
    assert "Traceback" not in done.stderr


def test_it_loads_nothing_of_the_training_stack():
    code = "import sys, bench.cli.displays.verdicts; print(*sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, env=env, check=True)
    loaded = {name.partition(".")[0] for name in done.stdout.split()}
    assert not loaded & {"torch", "transformers", "trl", "datasets", "lm_eval"}
