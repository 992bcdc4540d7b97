"""The second look at a step's batch in SFT: what the method is told, and what it costs."""

import pytest
import torch

from bench.request.request import parse_request
from bench.run import confinement
from bench.run.story import run
from methods.famo import FAMO

WORDS = ("method=famo", "suite=smoke-sft-v1", "recipe.steps=2", "evaluation.items=8")


class Nobody:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


@pytest.mark.parametrize("rate", ["1e-12", "1e-2"])
def test_the_method_is_told_the_batch_s_losses_after_the_update(tmp_path, monkeypatch, rate):
    """At next to no learning rate they are the losses before it; each row is passed forward twice."""
    told: list[tuple[torch.Tensor, torch.Tensor]] = []
    plain = FAMO.updated

    def updated(self, losses):
        told.append((self.last, losses))
        plain(self, losses)

    monkeypatch.setattr(FAMO, "updated", updated)
    monkeypatch.setattr(confinement, "offered", lambda: False)  # what is patched here is not in another process
    finished = run(parse_request([*WORDS, f"recipe.learning_rate={rate}", f"store={tmp_path}"]), Nobody())
    assert finished is not None
    ledger = finished.record.ledger
    assert ledger.forward_passes == 2 * ledger.backward_passes
    assert len(told) == 2
    for before, after in told:
        same = torch.allclose(before, after, rtol=1e-5, atol=0)
        assert same == (rate == "1e-12")
