"""`bench sweep` as a user meets it: real runs on the smoke suite, the summary, exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.cli.main import main
from bench.errors import UserError
from bench.sweeps.estimates import Estimate
from bench.sweeps.plan import Entry, Plan, plan
from bench.sweeps.runs import Status, status_of
from bench.sweeps.sweep import carry_out
from bench.sweeps.words import Options

ROOT = Path(__file__).parents[3]
BROKEN = '''"""Broken: its weights are no numbers.

Source     nobody
Differs    nothing
Costs      nothing
Conflicts  never
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, Signals


class Broken(GramianWeighting):
    name = "broken"
    version = 1

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return torch.full_like(gramian.norms, torch.nan)
'''


def bench_command(*words):
    return subprocess.run(
        [sys.executable, "-m", "bench", *words], capture_output=True, text=True, timeout=300, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "120"},
    )  # fmt: skip


def test_real_runs_one_of_which_fails(tmp_path):
    """The others are done; the failed one has its reason and its command; the same sweep runs only that again."""
    (tmp_path / "broken.py").write_text(BROKEN)
    run = ("suite=smoke-v1", "recipe.steps=1", "evaluation.items=4", f"store={tmp_path / 'store'}")
    words = (f"method=uniform,{tmp_path / 'broken.py'}", *run)
    done = bench_command("sweep", *words)
    assert done.returncode == 1, done.stderr
    assert "failed: broken on smoke-v1~" in done.stdout
    assert "not finite" in done.stdout
    assert f"again: bench run method={tmp_path / 'broken.py'} suite=smoke-v1 seed=0 recipe.steps=1" in done.stdout
    assert "2 runs: 1 done, 1 failed." in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    states = {entry.run.method: entry.status for entry in plan(words).entries}
    assert {name: status.state for name, status in states.items()} == {"uniform": "done", "broken": "failed"}
    (tmp_path / "broken.py").write_text(BROKEN.replace("torch.nan", "1.0"))
    assert [entry.status.state for entry in plan(words).entries] == ["done", "other version"]


@pytest.fixture
def planned(bench):
    """A plan of stand-in runs as the store has them."""

    def planned(*runs, **options):
        return Plan([Entry(run, status_of(run), Estimate(None, None, "")) for run in runs], [], Options(**options))

    return planned


def test_what_is_done_is_not_run_and_all_done_is_exit_code_0(bench, events, planned):
    runs = [bench.run("good", seed) for seed in range(3)]
    assert carry_out(planned(runs[0]), events, bench.command).exit_code == 0
    summary = carry_out(planned(*runs), events, bench.command)
    assert (len(summary.found), len(summary.outcomes), summary.exit_code) == (1, 2, 0)
    nothing = carry_out(planned(*runs), events, bench.command)
    assert (len(nothing.found), nothing.outcomes, nothing.exit_code) == (3, [], 0)
    assert len(bench.notes()) == 3


def test_a_run_whose_record_stays_is_not_run_and_is_no_success(bench, events, planned):
    run = bench.run("good")
    refused = Entry(run, Status("other version", "it differs", committed=True), Estimate(None, None, ""))
    summary = carry_out(Plan([refused], [], Options()), events, bench.command)
    assert (summary.refused, summary.exit_code) == ([refused], 1)
    assert bench.notes() == []


def test_retries_of_this_machine_are_asked_for(bench, events, planned):
    assert carry_out(planned(bench.run("once")), events, bench.command).exit_code == 1
    (bench.bank / "died once").unlink()
    assert carry_out(planned(bench.run("once"), retries=1), events, bench.command).exit_code == 0


def test_options_of_slurm_are_for_plans(bench, events, planned):
    with pytest.raises(UserError, match="bench plan"):
        carry_out(planned(bench.run("good"), slurm={"mem": "4G"}), events, bench.command)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("plan",), "which methods"),
        (("plan", "method=pcgrd", "suite=smoke-v1"), "Did you mean 'pcgrad'"),
        (("plan", "method=pcgrad", "suite=smoke-v1", "slurm.mem=4G"), "--slurm DIR"),
        (("sweep", "method=pcgrad", "seed=0..x"), "is no seed"),
        (("sweep", "method=pcgrad", "suite=smoke-v1", "store=README.md"), "README.md"),
    ],
)
def test_misuse_is_one_sentence_and_exit_code_2(words, said, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", *words])
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as end:
        main()
    shown = capsys.readouterr()
    assert end.value.code == 2
    assert said in shown.err
    assert len(shown.err.splitlines()) == 1
    assert shown.out == ""
