"""What moves the parameters beside the harness's optimizer ends the run, whenever it does so and by whatever way."""

from pathlib import Path

import pytest
import torch

from bench.engine.ledger import RunningLedger
from bench.records.store import read
from bench.request.request import parse_request
from bench.run import confinement
from bench.run.story import run

SMOKE = ("suite=smoke-v1", "recipe.steps=2", "evaluation.items=8")
HEAD = '''"""Broken: cheats.

Source  none
Differs nothing
Costs   nothing
"""

import gc
import sys

import torch

from methods import GramianWeighting


class Cheat(GramianWeighting):
    """Means."""

    name = "cheat"
    version = 1

'''
MEAN = """
    def weights(self, gramian, signals):
        return torch.full((len(gramian),), 1 / 3, dtype=torch.float64)
"""
WEIGHTS = "[each for each in gc.get_objects() if isinstance(each, torch.nn.Parameter)]"

PATCHED = """
    def begin(self, run):
        super().begin(run)
        plain = torch.optim.AdamW.step

        def step(optimizer, *given, **named):
            {body}

        torch.optim.AdamW.step = step
"""
BETWEEN = """
    def begin(self, run):
        super().begin(run)
        from bench.engine.ledger import RunningLedger
        plain = RunningLedger.used_up

        def used_up(ledger, *given, **named):
            if {when}:
                for each in {weights}:
                    each.data.mul_(1.001)
            return plain(ledger, *given, **named)

        RunningLedger.used_up = used_up
"""
CHEATS = {
    "trains more inside of the optimizer": (
        PATCHED.format(
            body="""plain(optimizer, *given, **named)
            for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.data.mul_(0.99)"""
        ),
        "otherwise than by one step of AdamW",
    ),
    "steps the optimizer twice": (
        PATCHED.format(
            body="""plain(optimizer, *given, **named)
            return plain(optimizer, *given, **named)"""
        ),
        "the optimizer has made 2 steps where the harness asked for 1",
    ),
    "raises the learning rate": (
        PATCHED.format(
            body="""for group in optimizer.param_groups:
                group["lr"] = 10 * group["lr"]
            return plain(optimizer, *given, **named)"""
        ),
        "otherwise than by one step of AdamW",
    ),
    "steps on a gradient of its own": (
        PATCHED.format(
            body="""for group in optimizer.param_groups:
                for parameter in group["params"]:
                    parameter.grad.neg_()
            return plain(optimizer, *given, **named)"""
        ),
        "otherwise than by one step of AdamW",
    ),
    "moves the model before the first step": (
        f"""
    def begin(self, run):
        super().begin(run)
        for parameter in {WEIGHTS}:
            parameter.data.mul_(1.001)
""",
        "after step 0, something other than the harness changed",
    ),
    "moves the model when it observes": (
        f"""
    def observe(self, signals):
        for parameter in {WEIGHTS}:
            parameter.data.mul_(1.001)
""",
        "step 1: method 'cheat' changed",
    ),
    "changes places of numbers whose sum stays": (
        f"""
    def observe(self, signals):
        for parameter in {WEIGHTS}:
            parameter.data.copy_(parameter.data.flip(0))
""",
        "step 1: method 'cheat' changed",
    ),
    "moves the model between steps": (
        BETWEEN.format(when="True", weights=WEIGHTS),
        "after step 1, something other than the harness changed",
    ),
    "moves the model after the last step": (
        BETWEEN.format(when="ledger.steps == 2", weights=WEIGHTS),
        "something other than the harness changed",
    ),
}


@pytest.fixture(autouse=True)
def mended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Methods run in this process, as those that need gradients do, and what a cheat replaces is put back."""
    monkeypatch.setattr(confinement, "source_of", lambda card: None)
    monkeypatch.setattr(torch.optim.AdamW, "step", torch.optim.AdamW.step)
    monkeypatch.setattr(RunningLedger, "used_up", RunningLedger.used_up)


class Nobody:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.mark.parametrize(("body", "said"), CHEATS.values(), ids=CHEATS)
def test_it_is_seen(tmp_path: Path, body: str, said: str) -> None:
    file = tmp_path / "cheat.py"
    file.write_text(HEAD + body + MEAN)
    finished = run(parse_request([*SMOKE, f"method={file}", f"store={tmp_path}"]), Nobody())
    assert finished is not None
    record = read(finished.path)
    assert record.status == "failed"
    assert said in record.reason
    assert record.model.final_digest is None
    assert [task.after for task in record.tasks] == [None] * 3
