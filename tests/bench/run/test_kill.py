"""Whatever ends a run, wherever it is: the same command goes on, and no record is lost, doubled, broken or another."""

import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import bench.run.standing
from bench.errors import UserError
from bench.records.rules import problems_in
from bench.records.store import read, record_files
from bench.request.request import parse_request
from bench.run.story import Finished, run
from bench.training.checkpoint.keeper import FOLDER, VARIABLE

ROOT = Path(__file__).parents[3]
DRIVER = Path(__file__).with_name("runs_that_die.py")
SMOKE = ("suite=smoke-v1", "evaluation.items=8", "recipe.steps=2", "method=uniform")
BENCH = (sys.executable, "-P", "-m", "bench")


class Watcher:
    """Keeps what it is told; `at` is called when that phase begins."""

    def __init__(self, phase: str = "", at=None) -> None:
        self.wanted, self.at = phase, at
        self.steps: list[int] = []

    def phase(self, name: str) -> None:
        if name == self.wanted:
            self.at()

    def step(self, step: int, total: int, rewards: dict[str, float]) -> None:
        self.steps.append(step)


def train(store: Path, watcher: Watcher | None = None) -> Finished:
    finished = run(parse_request([*SMOKE, f"store={store}"]), watcher or Watcher())
    assert finished is not None
    return finished


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), "OMP_NUM_THREADS": "1", **more}


@pytest.mark.parametrize("kills", [8, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_at_random_moments(tmp_path, kills):
    """A third of them inside of a write; three kinds of runs, saved after every step."""
    done = subprocess.run(
        [sys.executable, DRIVER, tmp_path, str(kills), "0"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, done.stderr
    seen = json.loads(done.stdout)
    assert seen["wrong"] == []
    assert seen["killed"] == kills
    assert seen["finished"] >= 3


@contextmanager
def full_disk(most: int) -> Iterator[None]:
    """No file grows beyond so many bytes, as on a disk that has no more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_disk_without_room_for_a_checkpoint_does_not_end_a_run(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(VARIABLE, "0")
    with full_disk(1 << 20):
        finished = train(tmp_path)
    assert problems_in(finished.path) == []
    assert capsys.readouterr().err.count("No checkpoint could be written") == 1
    assert [path for path in (tmp_path / FOLDER).rglob("*") if path.is_file()] == []


def test_a_disk_without_room_for_the_record_keeps_what_was_trained(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, "0")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    watcher = Watcher("evaluate", lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard)))
    try:
        with pytest.raises(UserError, match="free space or choose another place with store=DIR, and run the same"):
            train(tmp_path, watcher)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert watcher.steps == [1, 2]
    assert list(record_files(tmp_path)) == []
    again = Watcher()
    assert problems_in(train(tmp_path, again).path) == []
    assert again.steps == []


def test_a_store_that_cannot_be_written_to_is_named_before_anything_is_trained(tmp_path):
    """A file lies where the folder would be."""
    (tmp_path / "file").write_text("")
    watcher = Watcher("load", lambda: pytest.fail("it began"))
    with pytest.raises(UserError, match=r"cannot claim the run .* choose another with store=DIR"):
        train(tmp_path / "file", watcher)


class Backwards(datetime):
    """A clock that is set back by an hour whenever somebody looks."""

    hours = 0

    @classmethod
    def now(cls, tz=None):
        Backwards.hours += 1
        return datetime.now(tz) - timedelta(hours=Backwards.hours)


def test_a_clock_that_is_set_back_gives_no_negative_time(tmp_path, monkeypatch):
    looks = iter(range(10**6))
    start = time.time()
    with monkeypatch.context() as patch:
        patch.setattr(bench.run.standing, "datetime", Backwards)
        patch.setattr(time, "time", lambda: start - 60 * next(looks))
        finished = train(tmp_path)
    spent, origin = finished.record.ledger, finished.record.provenance
    assert problems_in(finished.path) == []
    assert Backwards.hours > 1
    assert 0 < spent.wall_seconds <= origin.total_seconds < 600
    assert origin.started <= origin.finished


def bench_process(*words: str, command: Sequence[str] = BENCH, **more: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*command, *words],
        env=environment(**more),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def outcomes(store: Path) -> dict[str, str]:
    """Outcome digests of the valid records in a store, by their place."""
    found = list(record_files(store))
    assert [problem for path in found for problem in problems_in(path)] == []
    return {path.relative_to(store).as_posix(): read(path).outcome_digest for path in found}


@pytest.mark.slow
@pytest.mark.parametrize("command", ["run", "sweep"])
def test_real_processes_are_killed(tmp_path, command):
    """`bench run` itself, and a `bench sweep` with the runs that it started."""
    several = ["method=famo,rlw", "seed=0", "workers=2"] if command == "sweep" else ["method=famo", "seed=0"]
    words = (command, *several, "suite=smoke-v1", "recipe.steps=8", "evaluation.items=8")
    began = time.monotonic()
    undisturbed = bench_process(*words, f"store={tmp_path / 'undisturbed'}", **{VARIABLE: "never"})
    output, _ = undisturbed.communicate(timeout=600)
    assert undisturbed.returncode == 0, output
    seconds, chance, killed = time.monotonic() - began, random.Random(0), 0
    store = tmp_path / "store"
    while killed < 4:
        process = bench_process(*words, f"store={store}", **{VARIABLE: "0"})
        try:
            process.wait(chance.uniform(0.3, 1.0) * seconds)
            shutil.rmtree(store)
        except subprocess.TimeoutExpired:
            process.kill()
            killed += 1
        process.communicate(timeout=60)
    last = bench_process(*words, f"store={store}", **{VARIABLE: "0"})
    output, _ = last.communicate(timeout=600)
    assert last.returncode == 0, output
    assert outcomes(store) == outcomes(tmp_path / "undisturbed")
    assert len(outcomes(store)) == (2 if command == "sweep" else 1)


@pytest.mark.slow
def test_two_sweeps_share_a_store(tmp_path):
    words = ("method=uniform,famo", "seed=0,1", "suite=smoke-v1", "evaluation.items=8", f"store={tmp_path}")
    sweeps = [bench_process("sweep", *words) for _ in range(2)]
    said = [sweep.communicate(timeout=600)[0] for sweep in sweeps]
    assert [sweep.returncode for sweep in sweeps] == [0, 0], said
    assert len(outcomes(tmp_path)) == 4


@pytest.mark.slow
@pytest.mark.parametrize("regime", ["regime=sft", "regime=grpo"])
def test_two_processes_go_on_together(tmp_path, regime):
    """They save at the same step; if one has lost its file, both begin again, and end alike all the same."""
    launch = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "-m", "bench")
    words = (
        "method=famo",
        "suite=smoke-v1",
        "recipe.steps=6",
        "evaluation.items=4",
        "recipe.validation_rows=32",
        regime,
    )

    def start(store: str, seconds: str) -> subprocess.Popen[str]:
        more = {VARIABLE: seconds, "CUDA_VISIBLE_DEVICES": ""}
        return bench_process("run", *words, f"store={tmp_path / store}", command=launch, **more)

    def end(process: subprocess.Popen[str]) -> str:
        output, _ = process.communicate(timeout=600)
        assert process.returncode == 0, output
        return output

    end(start("undisturbed", "never"))
    for store in ("killed", "lost"):
        killed = start(store, "0")
        assert killed.stdout is not None
        while not killed.stdout.readline().startswith("step 4/6"):
            assert killed.poll() is None
        workers = Path(f"/proc/{killed.pid}/task/{killed.pid}/children").read_text().split()
        for process in (killed.pid, *map(int, workers)):
            os.kill(process, signal.SIGKILL)
        killed.communicate()
        files = sorted((tmp_path / store / FOLDER).rglob("*.safetensors"))
        assert [path.name for path in files] == ["0.0.safetensors", "0.1.safetensors"]
        if store == "lost":
            files[1].unlink()
        said = end(start(store, "0"))
        assert ("continuing at step" in said) == (store == "killed")
        assert ("another process has none of that step" in said) == (store == "lost")
        assert outcomes(tmp_path / store) == outcomes(tmp_path / "undisturbed")
        assert list((tmp_path / store / FOLDER).rglob("*.safetensors")) == []


def mounted(folder: Path, options: str, command: Sequence[str]) -> "subprocess.CompletedProcess[str]":
    """Run a command where `folder` is a file system of its own. Skips where that needs rights we do not have."""
    mount = ["unshare", "--mount", "sh", "-c", f'mount -t tmpfs -o {options} tmpfs {folder} || exit 99; exec "$@"', "-"]
    if shutil.which("unshare") is None or shutil.which("mount") is None:
        pytest.skip("there is no unshare and mount")
    done = subprocess.run(
        [*mount, *command], env=environment(**{VARIABLE: "0"}), capture_output=True, text=True, timeout=1200
    )
    if done.returncode in (1, 99) and "bench" not in done.stderr:
        pytest.skip(f"no file system can be mounted here: {done.stderr.strip()[:100]}")
    return done


@pytest.mark.slow
def test_a_disk_that_is_really_full(tmp_path):
    done = mounted(tmp_path, "size=1m", [*BENCH, "run", *SMOKE, f"store={tmp_path}"])
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("No space left on device") == 1


@pytest.mark.slow
def test_results_that_are_really_read_only(tmp_path):
    done = mounted(tmp_path, "ro", [*BENCH, "run", *SMOKE, f"store={tmp_path}"])
    assert done.returncode == 2
    assert "cannot claim the run" in done.stderr
    assert "Traceback" not in done.stderr
