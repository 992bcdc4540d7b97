"""Every property can fail: a method that breaks it is found, and the words say input, answer and what is allowed."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from methods import (
    GradientCombination,
    GramianWeighting,
    LossWeighting,
    Method,
    RunPlan,
    SampleWeighting,
    Settings,
    StepWrapper,
    TaskSampling,
    setting,
)
from methods._base import HOOKS
from methods._battery import PROPERTIES, Subject, peers
from methods._cards import MethodCard

RULES = {rule.name: rule for rule in PROPERTIES}
Words = tuple[str, str, str]


def of(hook: type[Method], card: dict[str, Any] | None = None, **body: Any) -> Subject:
    """A method with these members, and a card that says what it is, but for `card`."""
    kind = type("Broken", (hook,), {"name": "broken", "version": 1, **body})
    acts_on = tuple(each.__name__ for each in HOOKS if issubclass(kind, each))
    made = MethodCard("broken", 1, "Broken", "it acts.", "none", "none", "none", "", acts_on, "Broken", Path(__file__))
    return Subject(replace(made, **(card or {})), kind, "mean" if hook is StepWrapper else "")


def equal(count: int) -> Tensor:
    return torch.full((count,), 1 / count, dtype=torch.float64)


def loss(weights: Any = lambda self, signals: equal(len(signals.losses)), **body: Any) -> Subject:
    return of(LossWeighting, weights=weights, **body)


def gram(weights: Any) -> Subject:
    return of(GramianWeighting, weights=weights)


def mean(combine: Any = lambda self, gradients, layout, signals: gradients.mean(dim=0), **body: Any) -> Subject:
    return of(GradientCombination, combine=combine, **body)


def plan(execute: Any) -> Subject:
    return of(RunPlan, execute=execute)


class Outside(Settings):
    size: float = setting(2.0, low=0.0, high=1.0, doc="its size")


class Refusing(Settings):
    size: int = setting(1, low=0, high=4, doc="its size")

    def model_post_init(self, _: Any) -> None:
        if self.size == 4:
            raise ValueError("four is too many")


class Open(Settings):
    size: float = setting(0.5, low=0.0, high=1.0, search=(0.1, 0.9), doc="its size")


def begin(self: Any, run: Any) -> None:
    LossWeighting.begin(self, run)
    self.seen = 0


def observe(self: Any, signals: Any) -> None:
    self.seen += 1


def first(count: int) -> Tensor:
    return torch.eye(count, dtype=torch.float64)[0]


FORGETFUL = loss(
    # counts steps in an attribute that `state` does not name
    lambda self, signals: first(len(signals.losses)) if self.seen > 2 else equal(len(signals.losses)),
    begin=begin,
    observe=observe,
)


def drawn(self: Any, signals: Any) -> Tensor:
    """Random weights that favour the first task."""
    weights = torch.empty(len(signals.losses), dtype=torch.float64).uniform_(generator=self.generator)
    weights[0] += 1
    return weights / weights.sum()


def drawn_elsewhere(self: Any, signals: Any) -> Tensor:
    weights = torch.empty(len(signals.losses), dtype=torch.float64).uniform_()
    return weights / weights.sum()


def absolute(self: Any, gramian: Any, signals: Any) -> Tensor:
    inverse = 1 / (gramian.norms + 1e-4)
    return inverse / inverse.sum()


def needs_rank(self: Any, gramian: Any, signals: Any) -> Tensor:
    torch.linalg.cholesky(gramian.cosines)
    return equal(len(gramian))


def first_kept(self: Any, stages: Any) -> Tensor:
    stages.train(5, lambda step: first(self.run.tasks))
    return stages.parameters()


def spendthrift(self: Any, stages: Any) -> Tensor:
    stages.train(int(stages.left) + 1, lambda step: equal(self.run.tasks))
    return stages.parameters()


def rank_cut(self: Any, gradients: Tensor, layout: Any, signals: Any) -> Tensor:
    """Zeros where a rank tolerance that grows with P exceeds every singular value."""
    return gradients.mean(dim=0) * (gradients.shape[1] * torch.finfo(gradients.dtype).eps < 1)


def of_rewards(self: Any, signals: Any) -> Tensor:
    rewards = torch.where(signals.shares > 0, signals.rewards, 0)
    return rewards / rewards.sum()


# fmt: off
BROKEN: list[tuple[str, Subject, Words]] = [
    # property; a method that breaks it; words of the input, of what came back, of what is allowed
    ("card", loss(card={"version": 2}),
        ("the card", "version 1", "2")),
    ("settings", loss(Settings=Outside),
        ("setting size", "[2.0]", "within 0.0 and 1.0")),
    ("bounds", loss(Settings=Refusing),
        ("size=4", "four is too many", "a value at a bound is legal")),
    ("answers", loss(lambda self, signals: signals.losses * torch.nan),
        ("4 conflicting gradients, step 1", "weights [nan, nan", "finite numbers")),
    ("answers", loss(combine_weights=lambda self, signals: [1.0]),
        ("4 conflicting gradients", "weights of type list", "a tensor")),
    ("answers", loss(combine_weights=lambda self, signals: signals.losses.float()),
        ("4 conflicting gradients", "weights of type torch.float32", "torch.float64")),
    ("answers", mean(lambda self, gradients, layout, signals: gradients.mean(dim=0)[1:]),
        ("4 conflicting gradients", "a direction of shape [5]", "shape [6]")),
    ("answers", mean(lambda self, gradients, layout, signals: gradients.mean(dim=0).requires_grad_()),
        ("4 conflicting gradients", "require a gradient", "detached")),
    ("answers", of(TaskSampling, proportions=lambda self: 2 * first(self.run.tasks) - equal(self.run.tasks)),
        ("4 conflicting gradients", "proportions [1.75, -0.25", "0 or more")),
    ("answers", of(TaskSampling, proportions=lambda self: 2 * equal(self.run.tasks)),
        ("4 conflicting gradients", "of sum 2", "their sum is 1")),
    ("answers", of(SampleWeighting, token_weights=lambda self, rollouts: {}["lengths"]),
        ("4 conflicting gradients", "it raised KeyError: 'lengths' (test_battery.py, line ", "an answer")),
    ("answers", plan(lambda self, stages: stages.parameters()[1:]),
        ("4 conflicting gradients", "parameters of shape [5]", "shape [6]")),
    ("answers", of(TaskSampling),
        ("a run of 4 tasks", "it raised TypeError: Can't instantiate abstract class", "it starts")),
    ("identical tasks", loss(lambda self, signals: torch.ones_like(signals.losses)),
        ("2 identical gradients of norm", "weights of sum 2", "their sum is 1")),
    ("identical tasks", of(StepWrapper, combine=lambda self, gradients, layout, inner, passes: 2 * inner(gradients)),
        ("mean inside, 1 identical gradients", "direction [6e-06", "the gradient, [3e-06, -4e-06")),
    ("permutation", loss(lambda self, signals: first(len(signals.losses))),
        ("in the order [2, 0, 1]", "weights [1, 0, 0], off by 1", "[0, 1, 0], to 1e-09")),
    ("permutation", loss(drawn),
        ("in the order [2, 0, 1]", "in the mean of 100 draws", "[")),
    ("permutation", plan(first_kept),
        ("in the order [2, 0, 1]", "parameters [", "[")),
    ("scale", gram(absolute),
        ("4 conflicting gradients times 1e-09", "weights [0.25", "scaled if")),
    ("one task", loss(lambda self, signals: signals.losses * 0.5),
        ("1 gradient, step 1", "weights [0.1]", "1")),
    ("awkward gradients", gram(needs_rank),
        ("three of them equal", "it raised _LinAlgError", "an answer")),
    ("wide gradients", gram(lambda self, gramian, signals: equal(len(gramian)) * (gramian.cosines.min() + 0.98).log()),
        ("2 gradients of norms from 1e-4 to 1", "[nan, nan]", "finite")),
    ("rounding", gram(lambda self, gramian, signals: torch.linalg.eigvalsh(gramian.cosines + 1e-9).log()),
        ("a Gramian rounded to 1e-7", "nan", "finite numbers")),
    ("silent tasks", loss(combine_weights=lambda self, signals: equal(len(signals.losses))),
        ("the first and third zero", "[0.25, 0.25, 0.25", "0 for the first and third")),
    ("silent tasks", of(SampleWeighting, advantages=lambda self, rollouts: rollouts.advantages + 1),
        ("the first and third zero", "advantages [1, 1", "0 where a task has none")),
    ("all tasks silent", mean(lambda self, gradients, layout, signals: gradients.mean(dim=0) + 1),
        ("4 zero gradients", "direction [1, 1", "zeros")),
    ("absent tasks", loss(lambda self, signals: signals.losses / signals.losses.sum()),
        ("without prompts in turn", "weights [0, nan, nan]", "finite")),
    ("absent tasks", loss(combine_weights=lambda self, signals: equal(len(signals.losses))),
        ("step 1", "[0.333333, 0.333333", "0 for a task without prompts")),
    ("supervised", loss(of_rewards),
        ("3 tasks without rewards", "nan", "finite numbers")),
    ("precision", mean(lambda self, gradients, layout, signals: gradients.double().mean(dim=0)),
        ("4 gradients of torch.float32", "torch.float64", "torch.float32")),
    ("many parameters", mean(rank_cut),
        ("10,500,000 float32 parameters", "begin with [", "[")),
    ("budget", plan(spendthrift),
        ("1 tasks and a budget of 8", "9 full steps with 8 left", "an answer")),
    ("continues", FORGETFUL,
        ("a copy of the state of step 6", "weights [0.25", "[1, 0")),
    ("reset", FORGETFUL,
        ("a run after `reset`", "weights [1, 0", "[0.25")),
    ("declared state", FORGETFUL,
        ("a run of 4 tasks", "seen changed", "state = ('seen',)")),
    ("chance", loss(drawn_elsewhere),
        ("a run of 4 tasks", "the global generator moved", "self.generator")),
    ("inputs stay", mean(lambda self, gradients, layout, signals: gradients.mul_(0.5).sum(dim=0) / len(gradients)),
        ("4 conflicting gradients, step 1", "changed in place", "a copy")),
    ("inputs stay", loss(lambda self, signals: signals.rewards.mul_(0.5)),
        ("4 conflicting gradients, step 1", "changed in place", "a copy")),
    ("legal settings", loss(lambda self, signals: signals.losses / self.settings.size, Settings=Open),
        ("size=0.0, step 1", "inf", "finite numbers")),
    ("conflicts", mean(),
        ("200 matrices", "no claim", "`Conflicts  in 99 % of strongly conflicting gradients`")),
    ("conflicts", mean(card={"conflicts": "in 9 % of them"}),
        ("200 matrices", "opposes a task in 99.0 %", "9 %, as the card says")),
    ("conflicts", mean(card={"conflicts": "never"}),
        ("one opposes all others", "at cosine -", "0 or more")),
]
# fmt: on


@pytest.mark.parametrize(("name", "subject", "words"), BROKEN, ids=[name for name, _, _ in BROKEN])
def test_a_method_that_breaks_a_rule_is_found(name: str, subject: Subject, words: Words) -> None:
    rule = RULES[name]
    assert rule.binds(subject.card)
    violation = rule.violations(subject)[0]
    for said, expected in zip((violation.given, violation.returned, violation.allowed), words, strict=True):
        assert expected in said
    assert str(violation) == f"{rule.rule} Given {violation.given}: {violation.returned}. Allowed: {violation.allowed}."
    assert violation.rule.endswith(".")


def test_every_property_is_broken_by_one_of_them() -> None:
    """A changed trajectory has its tests beside the others of trajectories."""
    assert {name for name, _, _ in BROKEN} | {"trajectory"} == set(RULES)
    assert len(RULES) == len(PROPERTIES)


@pytest.mark.parametrize("subject", [loss(), mean(card={"conflicts": "in 99 % of them"})], ids=["loss", "gradient"])
def test_a_method_that_keeps_all_rules_passes(subject: Subject) -> None:
    assert [each for rule in PROPERTIES if rule.binds(subject.card) for each in rule.violations(subject)] == []


def test_other_libraries_are_let_off_by_name_and_reason() -> None:
    assert set(peers.EXEMPT) < set(RULES)
    card = mean(card={"variant": "Mean"}).card
    bound = {name for name, rule in RULES.items() if rule.binds(card)}
    assert bound.isdisjoint(peers.EXEMPT)
    assert bound >= {"card", "answers", "absent tasks", "continues", "chance", "inputs stay", "settings"}
