"""An optimizer that does what AdamW does passes, over every schedule and decay; one that does more does not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch.nn import Parameter
from transformers import get_scheduler

from bench.engine.gradients import TaskGradients
from bench.errors import RunFailed
from bench.request.suite import Recipe
from bench.training.witness import Witness

STEPS = 12
NAMES = {"constant": "constant_with_warmup"}


class Trainer:
    """What a trainer does with an optimizer, on gradients of chance; scale: their size."""

    def __init__(self, scale: float = 1.0, **changes: Any) -> None:
        torch.manual_seed(1)
        shapes = [(30, 8), (8,), (7,)]
        self.parameters = [Parameter(torch.randn(shape)) for shape in shapes]
        self.scale = scale
        self.engine = TaskGradients(self.parameters, ["a", "b", "c"], tasks=2)
        self.engine.seal.renew(begin=True)
        self.recipe = Recipe(**{"steps": STEPS, "learning_rate": 1e-2, **changes})
        decay = self.recipe.weight_decay
        groups = [
            {"params": self.parameters[:1], "weight_decay": decay},
            {"params": self.parameters[1:], "weight_decay": 0.0},
        ]
        betas = (self.recipe.adam_beta1, self.recipe.adam_beta2)
        self.optimizer: Any = torch.optim.AdamW(
            groups, lr=self.recipe.learning_rate, betas=betas, eps=self.recipe.adam_epsilon, fused=True
        )
        name = NAMES.get(self.recipe.schedule, self.recipe.schedule)
        self.scheduler = get_scheduler(name, self.optimizer, self.recipe.warmup_steps, STEPS)
        self.witness = Witness(self.engine, self.recipe, STEPS)

    def step(self, act: Callable[[Any], None] = lambda optimizer: optimizer.step()) -> None:
        gradient = torch.randn(self.engine.combined.shape) * self.scale
        gradient[::3] = 0  # words that no prompt has
        self.engine.place(gradient)
        self.witness.before(self.optimizer)
        act(self.optimizer)
        self.scheduler.step()
        self.witness.stepped(self.optimizer)


@pytest.mark.parametrize("schedule", ["constant", "linear", "cosine"])
@pytest.mark.parametrize("warmup", [0, 3])
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_adamw_passes(schedule: str, warmup: int, decay: float) -> None:
    trainer = Trainer(schedule=schedule, warmup_steps=warmup, weight_decay=decay)
    for _ in range(STEPS):
        trainer.step()
    trainer.engine.seal.check()


@pytest.mark.parametrize("scale", [1e6, 1e-3, 1e-9, 1e-21, 1e-30, 0.0])
@pytest.mark.parametrize("epsilon", [1e-8, 1e-30, 1.0])
def test_gradients_of_any_size_pass(scale: float, epsilon: float) -> None:
    """Squares of small ones are rounded to nothing, in torch as here."""
    trainer = Trainer(scale, adam_epsilon=epsilon)
    for _ in range(STEPS):
        trainer.step()


@pytest.mark.parametrize("rate", [1e-9, 1.0])
def test_rates_of_any_size_pass(rate: float) -> None:
    trainer = Trainer(learning_rate=rate)
    for _ in range(STEPS):
        trainer.step()


def test_a_run_that_goes_on_is_followed_from_its_saved_moments() -> None:
    first = Trainer(schedule="linear")
    for _ in range(5):
        first.step()
    first.witness = Witness(first.engine, first.recipe, STEPS)
    first.witness.go_on(first.optimizer, 5)
    for _ in range(STEPS - 5):
        first.step()


def twice(optimizer: Any) -> None:
    optimizer.step()
    optimizer.step()


def not_at_all(optimizer: Any) -> None:
    del optimizer


def faster(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["lr"] *= 1.01
    optimizer.step()


def without_memory(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["betas"] = (0.0, 0.999)
    optimizer.step()


def decaying(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        group["weight_decay"] = 0.5
    optimizer.step()


def onto_another_gradient(optimizer: Any) -> None:
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad.neg_()
    optimizer.step()


def and_a_little_further(optimizer: Any) -> None:
    optimizer.step()
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.data += 1e-4


@pytest.mark.parametrize(
    "act", [twice, not_at_all, faster, without_memory, decaying, onto_another_gradient, and_a_little_further]
)
def test_anything_else_is_seen(act: Callable[[Any], None]) -> None:
    trainer = Trainer()
    trainer.step()
    trainer.step()
    with pytest.raises(RunFailed, match=r"the optimizer has made|otherwise than by one step of AdamW"):
        trainer.step(act)


def test_twice_is_counted_even_where_nothing_moves() -> None:
    trainer = Trainer(0.0)
    with pytest.raises(RunFailed, match="has made 2 steps where the harness asked for 1"):
        trainer.step(twice)


def test_weights_that_decay_more_than_the_recipe_says_are_named() -> None:
    trainer = Trainer(weight_decay=0.1)
    trainer.optimizer.param_groups[1]["weight_decay"] = 0.3
    with pytest.raises(RunFailed, match=r"decays weights by 0.3; the recipe says 0.1"):
        trainer.step()
