"""Forked runs: what they print, how they end, what is left of them, and that their records are those of fresh ones."""

import signal
import sys
import time

import pytest

from bench.records.store import read
from bench.sweeps import warm
from bench.sweeps.local import LocalBackend
from bench.sweeps.process import BENCH_RUN, Process
from bench.sweeps.sweep import sweep
from bench.sweeps.warm import ForkServer, WarmProcess
from tests.bench.sweeps.conftest import Events

BARE = "import bench.sweeps.fork_server as server; server.STACK = (); server.main()"
"""A server that loads no stack, and so is there at once."""
SECONDS = 60.0


@pytest.fixture
def server(tmp_path, monkeypatch):
    monkeypatch.setattr(warm, "SERVER", (sys.executable, "-P", "-c", BARE))
    server = ForkServer(1, tmp_path / "server.log")
    yield server
    server.close()


def end_of(process):
    until = time.monotonic() + SECONDS
    while not (ended := process.poll()):
        assert time.monotonic() < until, "it did not end"
        time.sleep(0.02)
    return ended


def test_a_refused_run_ends_with_its_sentence_and_exit_code_2(server, tmp_path):
    ended = end_of(WarmProcess(server, ["method=pcgard", "suite=smoke-v1"], tmp_path / "log", None))
    assert ended.code == 2
    assert "'pcgard'" in ended.last_words
    assert "pcgrad" in ended.last_words
    first, *_ = (tmp_path / "log").read_text().splitlines()
    assert first.endswith("bench run method=pcgard suite=smoke-v1")


def test_runs_side_by_side_do_not_share_logs_or_ends(server, tmp_path):
    processes = [WarmProcess(server, [f"method=none{place}"], tmp_path / str(place), None) for place in range(3)]
    for place, process in enumerate(processes):
        ended = end_of(process)
        assert (ended.code, f"none{place}" in ended.last_words) == (2, True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_signal_ends_its_run_and_leaves_the_server_and_the_next_run_alone(server, tmp_path, number):
    process = WarmProcess(server, ["method=uniform", "suite=smoke-v1", f"store={tmp_path}"], tmp_path / "log", None)
    process.signal(number)
    assert end_of(process).code != 0
    assert end_of(WarmProcess(server, ["method=none"], tmp_path / "next", None)).code == 2


def test_a_run_out_of_time_is_killed(server, tmp_path):
    process = WarmProcess(server, ["method=uniform", "suite=smoke-v1", f"store={tmp_path}"], tmp_path / "log", 0.05)
    ended = end_of(process)
    assert (ended.code, ended.timed_out) == (-signal.SIGKILL, True)


def test_runs_end_with_their_server_and_are_told_as_killed(server, tmp_path):
    process = WarmProcess(server, ["method=uniform", "suite=smoke-v1", f"store={tmp_path}"], tmp_path / "log", None)
    server._process.kill()
    assert end_of(process).code == -signal.SIGKILL


def test_a_server_that_cannot_load_the_stack_is_passed_over(bench, monkeypatch):
    monkeypatch.setattr(warm, "SERVER", (sys.executable, "-c", "raise ImportError('no torch')"))
    run = bench.run("good")
    backend = LocalBackend(1)
    server = backend._server(run)
    server._process.wait()
    assert server.dead
    process = backend.start(run)
    assert isinstance(process, Process)
    assert end_of(process).code != 0  # the catalogue has no method of that name
    assert "no torch" in (run.store / ".logs" / "fork_server.log").read_text()
    backend.close()


@pytest.mark.slow
def test_a_forked_run_has_the_record_of_a_fresh_one(tmp_path):
    words = ["method=pcgrad,mgda", "suite=smoke-v1", "seed=0"]
    commands = {"forked": BENCH_RUN, "fresh": (sys.executable, "-m", "bench", "run")}
    for way, command in commands.items():
        assert sweep([*words, f"store={tmp_path / way}"], Events(), command).exit_code == 0

    for method in ("pcgrad", "mgda"):
        forked, fresh = (read(tmp_path / way / "smoke-v1" / method / "0.json") for way in commands)
        assert forked.outcome_digest == fresh.outcome_digest
