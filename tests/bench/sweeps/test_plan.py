"""A plan says what a store has, by identity; what is left, and what that will cost."""

import time

import pytest

from bench.errors import UserError
from bench.places import ROOT
from bench.records.claims import claim
from bench.request.request import parse_request
from bench.run.prepare import prepare
from bench.sweeps.plan import cost, plan, plan_json

SMOKE = ("suite=smoke-v1", "recipe.steps=1", "evaluation.items=8")


@pytest.fixture
def planned(tmp_path):
    """plan(*words) on a changed smoke suite and an empty store."""
    return lambda *words: plan([*SMOKE, f"store={tmp_path}", *words])


def states(found):
    return {(entry.run.method, entry.run.seed): entry.status.state for entry in found.entries}


@pytest.fixture
def have(save, make_record, tmp_path):
    """Puts a record of a planned run into its store."""

    def have(run, **fields):
        suite = {"name": run.suite, "digest": run.digest, "overrides": {"recipe.steps": 1}}
        record = make_record(
            method="uniform", seed=run.seed, **{"suite": run.suite, "identity": run.identity, **fields}
        )
        return save(tmp_path, record.model_copy(update={"suite": record.suite.model_copy(update=suite)}), run.method)

    return have


@pytest.mark.parametrize(
    "words",
    [
        ("method=pcgrad",),
        ("method=static", "method.weights=3,1,1", "seed=2"),
        ("method=uniform", "wrapper=samo", "seed=7"),
        ("method=torchjd/UPGrad",),
    ],
)
def test_paths_and_identities_are_those_of_a_run(planned, tmp_path, words):
    """Also of runs after the first of a suite, which take its rows from there."""
    found = planned(*words[:1], *words[1:]).entries[0].run
    later = planned(words[0].replace("method=", "method=mgda,"), *(word for word in words[1:] if "." not in word))
    prepared = prepare(parse_request([*SMOKE, f"store={tmp_path}", *words]))
    assert (found.path, found.identity) == (prepared.path, prepared.identity)
    plain = prepare(parse_request([*SMOKE, f"store={tmp_path}", *(word for word in words if "method." not in word)]))
    assert later.entries[1].run.identity == plain.identity


def test_states(planned, have, tmp_path):
    runs = [entry.run for entry in planned("method=uniform,static", "seed=0..2").entries]
    have(runs[0])
    have(runs[1], status="failed", reason="it diverged")
    have(runs[2], identity="f" * 64)
    have(runs[3], status="over_budget", reason="steps")
    (tmp_path / runs[4].path).write_text("{")
    with claim(runs[5].path, tmp_path):
        found = planned("method=uniform,static", "seed=0..2")
    assert states(found) == {
        ("uniform", 0): "done",
        ("uniform", 1): "failed",
        ("uniform", 2): "other version",
        ("static", 0): "done",
        ("static", 1): "unreadable",
        ("static", 2): "running",
    }
    assert [entry.run.seed for entry in found.wanted] == [1, 2, 2]
    assert [entry.run.seed for entry in found.refused] == [1]
    assert [entry.status.reason for entry in found.entries][1] == "it diverged"
    assert sum(found.counts.values()) == 6


def test_a_committed_run_of_another_version_stays(monkeypatch, planned, have):
    """`bench run` would refuse to replace it."""
    (entry,) = planned("method=uniform").entries
    have(entry.run, identity="f" * 64)
    monkeypatch.setattr("bench.sweeps.runs.is_tracked", lambda path: path == entry.run.path)
    found = planned("method=uniform")
    assert (found.wanted, len(found.refused)) == ([], 1)


def test_two_names_of_one_run_are_one_run(planned):
    found = planned(f"method=uniform,{ROOT / 'methods' / 'uniform.py'},static", "seed=0..1,1")
    assert states(found) == {(method, seed): "to do" for method in ("uniform", "static") for seed in (0, 1)}
    assert len(found.entries) == 4


def test_combinations_of_all_that_make_no_run_are_left_out_with_their_reason(planned):
    found = planned("method=single_task,uniform", "wrapper=all")
    assert "single_task is a plan of runs and takes no wrapper; leave wrapper=cr_mogm out." in found.left_out
    assert {entry.run.method.partition("@")[0] for entry in found.entries} == {"uniform"}
    assert len(found.left_out) == len(found.entries) > 2
    with pytest.raises(UserError, match="takes no wrapper"):
        planned("method=single_task", "wrapper=cr_mogm")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["method=pcgrad", "suite=smoke-v1", "seed=9"], "prescribed seeds"),
        (["method=pcgrad", "suite=smoke-v1", "seed=0,9"], "prescribed seeds"),
        (["method=pcgrad,pcgrd", "suite=smoke-v1"], "Did you mean 'pcgrad'"),
        (["method=pcgrad,samo", "suite=smoke-v1"], "samo is a wrapper"),
        (["method=all", "suite=smoke-v1", "method.alpah=1"], "alpah"),
        (["method=pcgrad", "suite=smoke-v1", "dry_run=true"], "bench plan"),
    ],
)
def test_what_cannot_run_is_one_sentence(words, said):
    with pytest.raises(UserError, match=said):
        plan(words)


def test_json_names_every_run_and_its_command(planned, have):
    found = planned("method=uniform", "seed=0,1", "workers=4")
    have(found.entries[0].run)
    data = plan_json(planned("method=uniform", "seed=0,1", "workers=4"))
    assert [run["state"] for run in data["runs"]] == ["done", "to do"]
    assert data["runs"][1]["command"].startswith("bench run method=uniform suite=smoke-v1 seed=1 recipe.steps=1 ")
    assert (data["counts"]["done"], data["cost"]["runs"], data["workers"]) == (1, 1, 4)


def test_runs_of_an_earlier_protocol_are_those_of_another_version():
    """Results of the repository, by the identities of the harness as it is: they are neither done nor to do."""
    found = plan(["method=uniform,pcgrad", "seed=all", "suite=nano-v1"])
    assert {state: count for state, count in found.counts.items() if count} == {"other version": 10}
    assert cost(found).runs == 0


def test_hundreds_of_runs_are_listed_in_seconds(tmp_path):
    begun = time.process_time()
    found = plan(["method=all", "suite=smoke-v1", "seed=0..7", "recipe.steps=1", f"store={tmp_path}"])
    assert len(found.entries) > 400
    assert time.process_time() - begun < 20
