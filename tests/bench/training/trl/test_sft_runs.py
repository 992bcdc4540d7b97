"""Whole runs of SFT with the embedded model: records, families of methods, what is refused, what is paid."""

from pathlib import Path

import pytest

from bench.errors import UserError
from bench.records.rules import problems_in
from bench.records.schema import Record
from bench.records.store import outcome_digest, read
from bench.request.request import parse_request
from bench.run.story import Finished, run
from methods import _registry as methods
from methods._declared import needs_of

SFT = {
    "suite": "smoke-v1",
    "regime": "sft",
    "recipe.steps": "2",
    "recipe.validation_rows": "64",
    "evaluation.items": "8",
}


class Silent:
    """A watcher that looks away."""

    def phase(self, name: str) -> None: ...
    def step(self, step: int, total: int, rewards: dict[str, float]) -> None: ...


def train(store: Path, *words: str) -> Finished:
    given = {**SFT, "store": str(store), **dict(word.split("=", 1) for word in words)}
    return run(parse_request(f"{key}={value}" for key, value in given.items()), Silent())


def outcome(record: Record) -> str:
    return outcome_digest(record.model_dump(mode="json"))


def test_two_runs_are_bitwise_equal(tmp_path):
    first, second = (train(tmp_path / name, "method=pcgrad").record for name in "ab")
    assert first.model.final_digest == second.model.final_digest
    assert outcome(first) == outcome(second)


FAMILIES = ("graddrop", "pike", "samo", "forkmerge")


def runs_and_is_valid(store: Path, card: methods.MethodCard, steps: int) -> Record:
    wrapper = "StepWrapper" in card.acts_on
    words = ["method=pcgrad", f"wrapper={card.name}"] if wrapper else [f"method={card.name}"]
    finished = train(store, *words, f"recipe.steps={steps}")
    assert problems_in(finished.path) == []
    record = read(finished.path)
    assert record.status == "done"
    assert (record.ledger.rollouts, record.ledger.sampled_tokens, record.ledger.reward_calls) == (0, 0, 0)
    assert record.curves.reward[0] == [None] * 3
    assert "token mean" in record.normaliser
    return record


@pytest.mark.parametrize("name", FAMILIES)
def test_every_kind_of_method_runs_and_leaves_a_valid_record(tmp_path, name):
    """Forkmerge has steps enough to fork, and scores by exp(-loss)."""
    record = runs_and_is_valid(tmp_path, methods.cards()[name], 14 if name == "forkmerge" else 2)
    if name == "forkmerge":
        assert record.ledger.forward_passes > record.ledger.backward_passes


def allowed() -> list[methods.MethodCard]:
    cards = [card for card in methods.cards().values() if "SampleWeighting" not in card.acts_on and not card.variant]
    return [card for card in cards if "rollouts" not in needs_of(card.path)]


@pytest.mark.slow
@pytest.mark.parametrize("card", allowed(), ids=lambda card: card.name)
def test_every_method_runs_and_leaves_a_valid_record(tmp_path, card):
    runs_and_is_valid(tmp_path, card, 2)


def test_methods_that_weigh_rollouts_are_refused(tmp_path):
    with pytest.raises(UserError, match="token_mean weights rollouts, and SFT has none"):
        train(tmp_path, "method=token_mean")


def test_plans_that_sample_completions_are_refused(tmp_path):
    with pytest.raises(UserError, match="mopd samples completions, and SFT has none"):
        train(tmp_path, "method=mopd")


def test_rows_must_be_left_to_train_on(tmp_path):
    with pytest.raises(UserError, match="leave nothing to train on"):
        train(tmp_path, "method=uniform", "recipe.validation_rows=256")


def test_a_checkpoint_with_a_template_is_trained_and_evaluated(tmp_path, tiny_checkpoint):
    """Adapters in bf16 on a folder: the record says how many parameters were trained."""
    finished = train(tmp_path, "method=pcgrad", f"model={tiny_checkpoint}", "lora.r=2", "dtype=bf16")
    assert problems_in(finished.path) == []
    model = finished.record.model
    assert model.trained is not None
    assert 0 < model.trained < model.parameters


def test_coba_pays_for_the_validation_loss_in_sft_and_not_in_grpo(tmp_path):
    """2 steps, 3 tasks, 2 prompts: 12 sequences back, 24 forward; in GRPO 4 rollouts each, 48 both ways."""
    spent = train(tmp_path / "sft", "method=coba").record.ledger
    plain = train(tmp_path / "sft", "method=uniform").record.ledger
    assert (spent.forward_passes, spent.backward_passes, spent.prompts) == (24, 12, 12)
    assert (plain.forward_passes, plain.backward_passes, plain.prompts) == (12, 12, 12)
    assert spent.trained_tokens > plain.trained_tokens
    spent = train(tmp_path / "grpo", "method=coba", "regime=grpo").record.ledger
    assert (spent.forward_passes, spent.backward_passes, spent.prompts) == (48, 48, 12)
