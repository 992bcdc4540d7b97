"""A job array whose script is run by a real shell, one task after another."""

import os
import subprocess
import sys
from dataclasses import replace

import pytest

from bench.errors import UserError
from bench.sweeps.estimates import Estimate
from bench.sweeps.plan import Entry, Plan
from bench.sweeps.runs import Status
from bench.sweeps.slurm import write_array
from bench.sweeps.words import Options

TODO, DONE, UNKNOWN = Status("to do"), Status("done"), Estimate(None, None, "")


@pytest.fixture
def made(bench):
    """made(methods, **options): a plan of one run a method, that are to do but for `done`."""

    def made(*methods, **options):
        entries = [Entry(bench.run(name), DONE if name == "done" else TODO, UNKNOWN) for name in methods]
        return Plan(entries, [], Options(**options))

    return made


def with_words(plan, *words):

    entries = [replace(entry, run=replace(entry.run, words=words)) for entry in plan.entries]
    return replace(plan, entries=entries)


def submit(script, index, tmp_path):
    """What a task of the array calls: the interpreter is replaced by one that prints its arguments a line each."""
    text = script.read_text().replace(sys.executable, str(tmp_path / "python"))
    (tmp_path / "python").write_text('#!/bin/bash\nprintf "%s\\n" "$@"\necho "threads $OMP_NUM_THREADS"\n')
    (tmp_path / "python").chmod(0o755)
    done = subprocess.run(
        ["bash", "-c", text], capture_output=True, text=True, cwd="/", check=True,
        env={**os.environ, "SLURM_ARRAY_TASK_ID": str(index)},
    )  # fmt: skip
    return done.stdout.splitlines()


def test_a_task_a_run_that_is_not_done_with_the_words_of_bench_run(made, tmp_path):
    plan = made("good", "done", "other")
    _, script = write_array(plan, tmp_path / "jobs")
    assert "#SBATCH --array=1-2\n" in script.read_text()
    words = [list(entry.run.words) for entry in plan.wanted]
    for index in (1, 2):
        assert submit(script, index, tmp_path) == ["-P", "-m", "bench", "run", *words[index - 1], "threads 1"]


def test_no_word_reaches_a_shell(made, tmp_path):
    """Neither the words of a run nor the folder's name are evaluated, split or expanded."""
    evil = ("method=x/$(touch pwned).py", "store=a b;`id`", "suite=*", "x='\"\\", "y=$HOME&&x>pwned")
    _, script = write_array(with_words(made("good"), *evil), tmp_path / "it's; $(touch pwned) jobs")
    assert submit(script, 1, tmp_path) == ["-P", "-m", "bench", "run", *evil, "threads 1"]
    assert not list(tmp_path.rglob("pwned"))
    header = [line for line in script.read_text().splitlines() if line.startswith("#SBATCH")]
    assert not any("touch" in line for line in header)


def test_options_of_sbatch(made, tmp_path):
    plan = made("good", "other", workers=7, timeout=3601.0, slurm={"partition": "gpu", "gres": "gpu:1"})
    text = write_array(plan, tmp_path)[1].read_text()
    for line in ("--array=1-2%7", "--time=61", "--partition=gpu", "--gres=gpu:1"):
        assert f"#SBATCH {line}\n" in text


@pytest.mark.parametrize(
    "given", [{"mem": "4G\n#SBATCH"}, {"me m": "4"}, {"array": "1-9"}, {"mem": "$(id)"}, {"": "1"}]
)
def test_options_that_say_more_than_themselves_are_refused(made, tmp_path, given):
    with pytest.raises(UserError, match="an option of sbatch like"):
        write_array(made("good", slurm=given), tmp_path / "jobs")
    assert not (tmp_path / "jobs").exists()


@pytest.mark.parametrize("word", ["store=a\tb", "store=a\nmethod=b", "store=\x00"])
def test_a_word_that_is_no_cell_of_a_table_is_refused(made, tmp_path, word):
    with pytest.raises(UserError, match="cannot be printed"):
        write_array(with_words(made("good"), word), tmp_path / "jobs")


def test_nothing_to_do_is_said(made, tmp_path):
    with pytest.raises(UserError, match="every run of this plan is done"):
        write_array(made("done"), tmp_path / "jobs")
