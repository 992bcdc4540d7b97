"""Runs on a real Ray of two nodes on this machine: records come home, and a lost node loses none."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from tempfile import gettempdir

import pytest

from bench.errors import UserError
from bench.records.claims import claimed
from bench.records.store import read
from bench.sweeps.local import log_of
from bench.sweeps.ray_backend import run_on_node

ROOT = Path(__file__).parents[3]
needs_ray = pytest.mark.skipif(
    not importlib.util.find_spec("ray"), reason="ray is not installed; `pip install -e '.[cluster]'`"
)
CLUSTER = """
import os, signal, sys, time, threading
from pathlib import Path
from ray.cluster_utils import Cluster
cluster = Cluster(initialize_head=True, head_node_args={{"num_cpus": 1, "include_dashboard": False}})
second = cluster.add_node(num_cpus=1)
os.environ["RAY_ADDRESS"] = cluster.address
{body}
cluster.shutdown()
"""
SCHEDULED = """
from bench.errors import UserError
from bench.sweeps.ray_backend import RayBackend
from bench.sweeps.runs import Run
from bench.sweeps.scheduler import Scheduler
from bench.sweeps.words import Options

class Quiet:
    def started(self, run, attempt): ...
    def again(self, run, reason): ...
    def ended(self, outcome): print(outcome.result, outcome.run, outcome.reason, flush=True)
    def look(self, active, waiting):
        notes = Path(os.environ["STANDIN_BANK"]) / "begun.txt"
        if not lost and notes.exists() and len(notes.read_text().splitlines()) >= 2:
            lost.append(True)
            cluster.remove_node(second, allow_graceful=False)
            print("one node is lost", flush=True)

lost = []
store = Path({store!r})
runs = [
    Run(tuple(words), "demo", "0" * 64, method, seed, 1, store, store / "demo" / method / f"{{seed}}.json", identity)
    for words, method, seed, identity in {runs!r}
]
try:
    RayBackend(Options(backend="ray", ray_gpus=1), 2)
except UserError as error:
    print(error)
backend = RayBackend(Options(backend="ray", timeout=20), 2, {command!r})
print("slots", backend.slots())
Scheduler(runs, backend, Quiet(), 0).execute()
"""
SWEPT = """
from bench.cli.main import main

def lose():
    while len([log for log in Path(os.environ["TMPDIR"]).glob("*/log.txt") if "load" in log.read_text()]) < 2:
        time.sleep(0.1)
    cluster.remove_node(second, allow_graceful=False)
    print("one node is lost", flush=True)

sys.argv = ["bench", "sweep", *{words!r}]
threading.Thread(target=lose, daemon=True).start()
try:
    main()
except SystemExit as end:
    print("exit code", end.code)
"""


def with_cluster(body, timeout):
    """What a process prints that has a Ray of two nodes with one CPU each."""
    process = subprocess.Popen(
        [sys.executable, "-c", CLUSTER.format(body=body)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    try:
        said, errors = process.communicate(timeout=timeout)
    finally:
        process.kill()
    assert process.returncode == 0, errors[-3000:]
    return said


@needs_ray
def test_records_of_two_nodes_come_home_though_one_is_lost(bench):
    """Failures are told as elsewhere; a record of another identity does not enter the store."""
    runs = [bench.run("slow", seed) for seed in range(4)]
    others = [bench.run("fails"), bench.run("dies"), bench.run("foreign")]
    bench.save(bench.bank, bench.make_record(method="foreign", suite="demo", identity="f" * 64))
    listed = [(run.words, run.method, run.seed, run.identity) for run in (*runs, *others)]
    body = SCHEDULED.format(store=str(bench.store), runs=listed, command=bench.command)
    said = with_cluster(body, timeout=120)
    assert "no node of the cluster has the 1 CPUs and 1 GPUs of one run" in said
    assert "slots 2" in said
    assert "one node is lost" in said
    assert said.count("done slow") == 4
    assert "failed fails on demo, seed 0 the loss is not a number" in said
    assert "failed dies on demo, seed 0 killed by SIGKILL" in said
    assert "failed foreign on demo, seed 0 the node's record is of another identity" in said
    assert [read(run.path).identity for run in runs] == [run.identity for run in runs]
    assert all("step 1/2" in log_of(run).read_text() for run in runs)
    assert not bench.run("foreign").path.exists()
    assert not any(claimed(run.path, run.store) for run in runs)
    assert not any(bench.is_alive(number) for *_, number in bench.notes()), "a lost node's runs end with it"


@needs_ray
@pytest.mark.slow
def test_a_sweep_of_real_runs_loses_none_with_its_node(tmp_path, monkeypatch):
    (tmp_path / "tmp").mkdir()
    monkeypatch.setenv("RAY_TMPDIR", gettempdir())  # its sockets need a short path
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    words = ["method=uniform,pcgrad", "suite=smoke-v1", "recipe.steps=1", "evaluation.items=8", f"store={tmp_path}"]
    said = with_cluster(SWEPT.format(words=[*words, "backend=ray"]), timeout=300)
    assert "one node is lost" in said
    assert "2 runs: 2 done." in said
    assert "exit code 0" in said
    records = [read(path) for path in tmp_path.glob("smoke-v1*/*/0.json")]
    assert {record.method.name for record in records} == {"uniform", "pcgrad"}


def test_a_run_on_a_node_has_a_store_of_its_own(bench):
    run = bench.run("good")
    words = [word for word in run.words if not word.startswith("store=")]
    answer, log = run_on_node(words, bench.command, None, 1)
    assert answer["code"] == 0
    assert answer["record"] == (bench.bank / "demo" / "good" / "0.json").read_text()
    assert "step 1/2" in log
    assert not bench.store.exists()


@needs_ray
def test_a_cluster_that_does_not_answer_is_one_sentence():
    from bench.sweeps.ray_backend import connect

    with pytest.raises(UserError, match=r"cannot reach the Ray cluster at nowhere.*ray start --head"):
        connect("nowhere")


def test_without_ray_the_remedy_is_said(monkeypatch):
    from bench.sweeps.ray_backend import connect

    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(UserError, match=r"needs ray, which is not installed. Install it with"):
        connect(None)
