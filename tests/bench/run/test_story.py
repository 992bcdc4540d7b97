"""The main job, for real: train, evaluate and record on the smoke suite with the embedded model."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.rules import problems_in
from bench.records.schema import Record
from bench.records.store import read, record_files
from bench.request.request import parse_request
from bench.run.prepare import prepare
from bench.run.session import Session
from bench.run.story import Finished, run
from bench.run.story import train as train_session
from methods._registry import cards
from methods.sparse_training import SparseTraining

SMOKE = ("suite=smoke-v1", "recipe.steps=2", "evaluation.items=8")


class Silent:
    """A watcher that keeps what it is told."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.steps: list[tuple[int, int, Mapping[str, float]]] = []

    def phase(self, name: str) -> None:
        self.phases.append(name)

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        self.steps.append((step, total, rewards))


def train(store: Path, *words: str, watcher: Silent | None = None) -> Finished:
    return run(parse_request([*SMOKE, f"store={store}", *words]), watcher or Silent())


@pytest.mark.parametrize("card", cards().values(), ids=lambda card: card.name)
def test_every_method_runs_and_leaves_a_valid_record(tmp_path, card):
    """Wrappers around PCGrad; a plan may take more and smaller steps, but not more prompts."""
    wrapper = "StepWrapper" in card.acts_on
    words = ["method=pcgrad", f"wrapper={card.name}"] if wrapper else [f"method={card.name}"]
    try:
        finished = train(tmp_path, *words)
    except UserError as missing:
        if card.variant and "to be installed" in str(missing):
            pytest.skip(str(missing))
        raise
    assert finished.fresh
    assert problems_in(finished.path) == []
    record = read(finished.path)
    assert record.status == "done"
    assert [task.name for task in record.tasks] == ["arithmetic", "induction", "lookup"]
    assert record.method.wrapper is None or record.method.wrapper.name == card.name
    full = 2 * 3 * parse_request([*SMOKE, *words]).suite.recipe.prompts_per_task
    if "RunPlan" in card.acts_on:
        assert full * 0.8 <= record.ledger.prompts <= full
    else:
        assert (record.ledger.steps, record.ledger.prompts) == (2, full)
        assert record.curves.steps == [1, 2]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["method=sparse_training"], "is a wrapper.* say method=uniform wrapper=sparse_training"),
        (["method=pcgrad", "wrapper=upgrad"], "upgrad is not a wrapper. Wrappers are: apt, cr_mogm, f_mtl"),
        (["method=single_task", "wrapper=samo"], "single_task is a plan of runs and takes no wrapper"),
        (["method=mgs", "wrapper=cr_mogm"], "changes the weights .* and mgs returns a direction"),
        (["method=pcgrad", "wrapper.alpha=1"], "is a setting of a wrapper; say which"),
        (["method=pcgrad", "wrapper=cr_mog"], "cr_mogm"),
        (["method=pcgrad", "wrapper=cr_mogm", "wrapper.alpah=1"], "alpah"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, words, said):
    with pytest.raises(UserError, match=said):
        prepare(parse_request([*SMOKE, f"store={tmp_path}", *words]))


def test_a_wrapped_method_has_its_own_place_and_identity(tmp_path):
    plain = train(tmp_path, "method=uniform")
    wrapped = train(tmp_path, "method=uniform", "wrapper=sparse_training")
    assert wrapped.path.parent.name == "uniform@sparse_training"
    assert plain.record.identity != wrapped.record.identity
    again = prepare(parse_request([*SMOKE, f"store={tmp_path}", "method=uniform", "wrapper=sparse_training"]))
    assert again.identity == wrapped.record.identity


@pytest.mark.parametrize("decay", [0, 0.5])
def test_what_a_wrapper_freezes_stays_under_weight_decay_too(tmp_path, decay):
    words = ["method=uniform", "wrapper=sparse_training", f"recipe.weight_decay={decay}", "recipe.learning_rate=1e-2"]
    session = Session(prepare(parse_request([*SMOKE, f"store={tmp_path}", *words])), Silent())
    engine = session.training.gradients
    before = engine.parameters_now()
    train_session(session)
    wrapper = SparseTraining()
    wrapper.prepare(before, engine.layout)
    moved = engine.parameters_now() != before
    assert 0.5 < wrapper.frozen.float().mean() < 0.9
    assert not moved[wrapper.frozen].any()
    assert moved[~wrapper.frozen].float().mean() > 0.5


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("return torch.full((len(signals.losses),), float('nan')).double()", "weights with .* not finite"),
        ("return torch.ones(7)", r"weights of shape \[7\]; \[3\] is allowed"),
        ("return torch.nn.Parameter(torch.ones(3))", "may not touch parameters"),
        ("return 1.0", "weights of type float"),
    ],
)
def test_a_broken_method_makes_a_failed_record_that_says_why(tmp_path, body, said):
    """The file lies outside the tree, as a contributor's may."""
    path = tmp_path / "broken_method.py"
    path.write_text(BROKEN.replace("BODY", body))
    record = train(tmp_path, f"method={path}").record
    assert record.status == "failed"
    assert re.search(rf"step 1: method 'broken_method' returned .*{said}", record.reason)
    assert record.mean_gain == 0
    assert record.ledger.rollouts > 0


@pytest.mark.parametrize("step", [0, 1])
def test_a_method_that_fails_after_its_answer_makes_a_failed_record(tmp_path, step):
    """The step is counted and measured by then. What the method says may hold anything."""
    path = tmp_path / "broken_method.py"
    body = "return torch.full((len(signals.losses),), 1 / 3).double()"
    late = f"""
    def observe(self, signals):
        if signals.step == {step}:
            raise RunFailed("lost \\x1b[31m its \\u202e way " + "!" * 3000)
"""
    path.write_text(BROKEN.replace("BODY", body).replace("import torch\n", f"import torch\n{RAISES}") + late)
    finished = train(tmp_path, f"method={path}")
    assert finished.record.status == "failed"
    assert finished.record.reason.isprintable()
    assert finished.record.ledger.steps == finished.record.curves.steps[-1] == step + 1
    assert problems_in(finished.path) == []


RAISES = "from bench.errors import RunFailed\n"
BROKEN = '''"""Broken: it answers nonsense.

Source     a test
Differs    nothing
Costs      nothing
"""

import torch
from methods import LossWeighting


class Broken(LossWeighting):
    name = "broken_method"
    version = 1

    def combine_weights(self, signals):
        BODY

    def weights(self, signals):
        raise AssertionError
'''


def outcome(record: Record) -> str:
    return record.outcome_digest


def test_two_fresh_runs_are_bitwise_equal_whatever_the_process_did_before(tmp_path):
    """Parameters, curves and every item outcome; time and memory may differ."""
    first = train(tmp_path / "a", "method=pcgrad").record
    train(tmp_path / "other", "method=uniform", "seed=1")
    second = train(tmp_path / "b", "method=pcgrad").record
    assert first.model.final_digest == second.model.final_digest
    assert outcome(first) == outcome(second)


def test_another_seed_is_another_run(tmp_path):
    first, second = (train(tmp_path, "method=uniform", f"seed={seed}").record for seed in (0, 1))
    assert first.identity != second.identity
    assert first.model.final_digest != second.model.final_digest


def test_a_finished_run_is_shown_and_not_repeated(tmp_path):
    first = train(tmp_path, "method=uniform")
    watcher = Silent()
    again = train(tmp_path, "method=uniform", watcher=watcher)
    assert not again.fresh
    assert watcher.steps == []
    assert again.record == first.record


def test_progress_is_told_step_by_step(tmp_path):
    watcher = Silent()
    train(tmp_path, "method=uniform", watcher=watcher)
    assert [step for step, _, _ in watcher.steps] == [1, 2]
    assert list(watcher.steps[0][2]) == ["arithmetic", "induction", "lookup"]
    assert "train" in watcher.phases


def test_the_order_of_tasks_is_blind(tmp_path):
    """Positions are a permutation that the seed draws, and differ between seeds."""
    orders = set()
    for seed in range(6):
        prepared = prepare(parse_request([*SMOKE, "method=uniform", f"seed={seed}", f"store={tmp_path}"]))
        orders.add(tuple(prepared.order))
        assert sorted(prepared.order) == [0, 1, 2]
    assert len(orders) > 1


def test_per_task_settings_reach_their_tasks_through_the_blind_order(tmp_path):
    """Weight on one task alone moves only its realised weight, whatever position the method saw it at."""
    for seed in range(3):
        record = train(tmp_path, "method=static", "method.weights=0,1,0", f"seed={seed}").record
        assert record.curves.weights[0][0] == record.curves.weights[0][2] == 0
        heard = record.curves.naive_squared_norm[0][1] > 0
        assert record.curves.weights[0][1] == (1 if heard else 0)


@pytest.mark.parametrize("counter", ["steps", "rollouts", "sampled_tokens", "backward_passes"])
def test_a_budget_in_any_counter_ends_the_run_and_says_so(tmp_path, counter):
    finished = train(tmp_path, "method=uniform", f"budget.{counter}=1")
    assert finished.record.status == "over_budget"
    assert f"budget.{counter}=1 was reached" in finished.record.reason
    assert finished.record.ledger.steps == 1
    assert finished.record.mean_gain == 0


def test_settings_have_their_own_place_in_the_store(tmp_path):
    plain = train(tmp_path, "method=static").path
    weighted = train(tmp_path, "method=static", "method.weights=3,1,1").path
    assert plain.parent.name == "static"
    assert weighted.parent.name.startswith("static+")


def test_a_seed_outside_the_suites_is_refused_for_official_runs(tmp_path):
    with pytest.raises(UserError, match="prescribed seeds"):
        prepare(parse_request(["method=uniform", "suite=smoke-v1", "seed=99", f"store={tmp_path}"]))


def test_a_corrupted_model_file_is_named(tmp_path, monkeypatch):
    import shutil

    import bench.models.files

    copy = tmp_path / "nano"
    shutil.copytree(bench.models.files.ASSETS / "nano", copy)
    damaged = bytearray((copy / "model.safetensors").read_bytes())
    damaged[-1] ^= 1
    (copy / "model.safetensors").write_bytes(damaged)
    monkeypatch.setattr(bench.models.files, "ASSETS", tmp_path)
    with pytest.raises(UserError, match=r"model\.safetensors has SHA-256 .* damaged or was changed"):
        prepare(parse_request([*SMOKE, "method=uniform", f"store={tmp_path}"]))
    (copy / "tokenizer.json").unlink()
    with pytest.raises(UserError, match=r"tokenizer\.json"):
        prepare(parse_request([*SMOKE, "method=uniform", f"store={tmp_path}"]))


def test_an_edited_suite_with_results_is_refused(tmp_path, monkeypatch, make_record, save):
    import bench.run.prepare

    monkeypatch.setattr(bench.run.prepare, "RESULTS", tmp_path)
    save(tmp_path, make_record(suite="smoke-v1"))
    with pytest.raises(UserError, match="changed after it got results"):
        prepare(parse_request(["method=uniform", "suite=smoke-v1", f"store={tmp_path / 'elsewhere'}"]))


@pytest.mark.parametrize("how", [signal.SIGINT, pytest.param(signal.SIGKILL, marks=pytest.mark.slow)])
def test_an_interrupted_run_leaves_no_file_and_the_same_command_starts_clean(tmp_path, how):
    words = ["run", "method=uniform", "suite=smoke-v1", "recipe.steps=200", "evaluation.items=8", f"store={tmp_path}"]
    code = "import sys; from bench.cli.main import main; sys.argv[0] = 'bench'; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # a job in the background ignores it
    )
    for line in process.stderr:
        if line.startswith("step"):
            break
    process.send_signal(how)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == (1 if how == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in errors
    left = [path for path in tmp_path.rglob("*") if path.is_file() and path.suffix != ".lock"]
    assert [path for path in left if ".checkpoints" not in path.parts] == []
    assert train(tmp_path, "method=uniform").fresh


def test_records_have_the_promised_size_and_name_no_machine_path(tmp_path):
    path = train(tmp_path, "method=uniform").path
    text = path.read_text()
    assert len(text) < 64 * 1024
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    json.loads(text)
    assert list(record_files(tmp_path)) == [path]
