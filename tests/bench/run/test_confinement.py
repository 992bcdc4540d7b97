"""Runs whose method is confined: the same records bit for bit, and nothing that its code does moves them."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from bench.records.rules import problems_in
from bench.records.schema import Record
from bench.request.request import parse_request
from bench.run import confinement
from bench.run.story import Finished, run
from bench.training.checkpoint.keeper import VARIABLE
from methods._registry import cards

SHORT = ("suite=smoke-v1", "recipe.steps=3", "evaluation.items=8")
CONFINED = [card.name for card in cards().values() if "StepWrapper" not in card.acts_on and not card.variant]
HEAD = '''"""Made up: all tasks weigh the same.

Source     a test
Differs    nothing
Costs      nothing
"""

import gc
import sys

import torch
from methods import LossWeighting
'''
BODY = """

class MadeUp(LossWeighting):
    name = "made_up"
    version = 1

    def weights(self, signals):
        TRICK
        return torch.full((len(signals.losses),), 1 / len(signals.losses), dtype=torch.float64)
"""
PATCHES = """
torch.optim.AdamW.step = lambda *given: None
torch.manual_seed(0)
torch.set_num_threads(4)
"""
TRICK = """for each in gc.get_objects():
            if type(each).__name__ == "RunningLedger":
                each.seconds = 0.5
            if hasattr(type(each), "verify"):
                type(each).verify = lambda *given: 1.0
        try:
            sys.modules["tasks"].get_task("lookup").verify = lambda *given: 1.0
            open("results/planted.json", "w").write("planted")
        except (OSError, LookupError, AttributeError):
            pass"""


class Silent:
    """A watcher that looks away."""

    def phase(self, name: str) -> None:
        pass

    def step(self, step: int, total: int, rewards: Mapping[str, float]) -> None:
        pass


def train(store: Path, *words: str) -> Finished:
    finished = run(parse_request([*words, f"store={store}"]), Silent())
    assert finished is not None
    assert problems_in(finished.path) == []
    return finished


def both_ways(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> tuple[Record, Record]:
    """The record of a run whose method is confined, and of one whose method is not."""
    confined = train(tmp_path / "confined", *words).record
    with monkeypatch.context() as patch:
        patch.setattr(confinement, "source_of", lambda card: None)
        here = train(tmp_path / "here", *words).record
    assert (confined.provenance.isolation, here.provenance.isolation) == ("confined", "in process")
    return confined, here


def test_a_run_is_the_same_bit_for_bit(tmp_path, monkeypatch):
    """With a method that samples tasks, weights completions and weights losses."""
    confined, here = both_ways(tmp_path, monkeypatch, *SHORT, "method=mt_grpo_full")
    assert confined.outcome_digest == here.outcome_digest
    assert confined.normaliser == here.normaliser


def test_a_run_whose_gradients_are_shared_is_the_same_bit_for_bit(tmp_path, monkeypatch):
    """With a method whose state is as large as the task gradients; the run is saved and continued in between."""
    monkeypatch.setenv(VARIABLE, "0")
    confined, here = both_ways(tmp_path, monkeypatch, *SHORT, "method=db_mtl")
    assert confined.outcome_digest == here.outcome_digest


def test_gradients_that_are_too_large_to_share_stay_here_and_that_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(confinement, "LARGEST", 1 << 20)
    record = train(tmp_path, *SHORT, "method=mgs").record
    assert record.provenance.isolation == "in process"
    assert "mgs runs in this process: 12 MiB of task gradients are more than the 1" in capsys.readouterr().err


WRAPPED = [
    *("wrapper=f_mtl method=pcgrad", "wrapper=samo method=pcgrad", "wrapper=cr_mogm method=mgda"),
    *("wrapper=sparse_training method=mgs", "wrapper=apt method=uniform", "wrapper=muon method=uniform"),
]
"""Every wrapper."""


@pytest.mark.parametrize("words", [WRAPPED[0], "method=cgpo"])
def test_a_run_that_is_called_back_is_the_same_bit_for_bit(tmp_path, monkeypatch, words):
    """With a wrapper that makes extra passes and asks the method twice, and with a plan that loads models in a stage;
    the run is saved all the while."""
    monkeypatch.setenv(VARIABLE, "0")
    confined, here = both_ways(tmp_path, monkeypatch, *SHORT, *words.split())
    assert confined.outcome_digest == here.outcome_digest


@pytest.mark.slow
@pytest.mark.parametrize("words", [*(f"method={name}" for name in CONFINED), *WRAPPED])
def test_every_run_is_the_same_bit_for_bit(tmp_path, monkeypatch, words):
    confined, here = both_ways(tmp_path, monkeypatch, "suite=smoke-v1", *words.split())
    assert confined.outcome_digest == here.outcome_digest
    assert confined.normaliser == here.normaliser


def test_a_method_that_patches_what_it_finds_trains_as_one_that_does_not(tmp_path):
    """The optimizer's step, the verifier, the ledger, the store: seen to work where a method shares the process."""
    path = tmp_path / "made_up.py"
    path.write_text(HEAD + BODY.replace("TRICK", "pass"))
    honest = train(tmp_path / "honest", *SHORT, f"method={path}").record
    path.write_text(HEAD + PATCHES + BODY.replace("TRICK", TRICK))
    tricky = train(tmp_path / "tricky", *SHORT, f"method={path}").record

    assert tricky.provenance.isolation == "confined"
    assert tricky.method.source_digest != honest.method.source_digest
    assert (tricky.curves, tricky.tasks, tricky.model) == (honest.curves, honest.tasks, honest.model)
    assert tricky.ledger.wall_seconds != 0.5
    assert not [*tmp_path.rglob("planted.json"), *Path("results").glob("planted*")]


def test_what_a_method_raises_fails_its_run_and_names_it(tmp_path):
    path = tmp_path / "made_up.py"
    path.write_text(HEAD + BODY.replace("TRICK", "1 / 0"))
    record = train(tmp_path, *SHORT, f"method={path}").record
    assert record.status == "failed"
    assert record.reason == "method 'made_up' raised an error: line 20, ZeroDivisionError: division by zero."


def test_another_library_s_method_runs_here_and_that_is_said(tmp_path):
    assert train(tmp_path, *SHORT, "method=torchjd/UPGrad").record.provenance.isolation == "in process"


def test_where_nothing_can_be_locked_in_a_method_runs_here_and_that_is_said_once(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(confinement, "offered", lambda: False)
    record = train(tmp_path, *SHORT, "method=pcgrad").record
    assert record.provenance.isolation == "in process"
    assert capsys.readouterr().err.count("pcgrad runs in this process") == 1
