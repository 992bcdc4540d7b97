"""What a script asks for, as a method that can begin: a name or an instance, and a wrapper around it.

What cannot act inside a trainer of TRL's is refused by name.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from bench.engine.sampling import blind_order, seeded
from bench.errors import UserError
from bench.training.around import Around
from methods import (
    GradientCombination,
    Method,
    RunInfo,
    RunPlan,
    SampleWeighting,
    StepWrapper,
    TaskSampling,
    Weighting,
)
from methods import _registry as registry

Spec = str | Method | type[Method]
PASSES = frozenset({"extra_forward", "extra_backward"})
"""Needs that no trainer of TRL's can meet: its loop keeps no batch beyond its own pass."""
LATER = frozenset({"second_forward", "validation_loss"})
"""Needs that the harness meets in SFT alone."""


@dataclass(frozen=True)
class Choice:
    """A method and a wrapper, not begun, and the tasks' names in blind order."""

    method: Method
    wrapper: StepWrapper | None
    twin: Method
    tasks: Sequence[str]

    @property
    def samples(self) -> bool:
        """Whether the method decides how many rows of each task a step has. `uniform` leaves the data as they come."""
        return isinstance(self.method, TaskSampling) and self.method.name != "uniform"

    @property
    def weighs(self) -> bool:
        """Whether the method makes something of the task gradients."""
        return isinstance(self.method, Weighting | GradientCombination)

    @property
    def reweights(self) -> bool:
        """Whether the method changes advantages."""
        return isinstance(self.method, SampleWeighting)

    @property
    def halves(self) -> bool:
        """Whether the method uses the unbiased squared norms."""
        asked = [self.method, self.wrapper] if self.wrapper else [self.method]
        return any("cross_gramian" in each.needs for each in asked)

    def begin(self, info: RunInfo) -> Around | None:
        """Start the method, and what is around it."""
        self.method.start(info)
        if self.wrapper is None:
            return None
        self.twin.start(info)
        return Around(self.wrapper.start(info), self.method, self.twin)


def choose(
    method: Spec,
    settings: Mapping[str, Any] | None,
    wrapper: Spec | None,
    wrapper_settings: Mapping[str, Any] | None,
    names: Sequence[str],
    seed: int,
    regime: str,
) -> Choice:
    """The method and the wrapper for tasks of these names, sorted. regime: grpo or sft.

    UserError for what is not there, cannot act inside a trainer of TRL's, or does not go together.
    """
    order = blind_order(names, seed)
    made = instance(method, settings, names, order, seed, "method")
    _check_method(made, regime)

    around = None if wrapper is None else instance(wrapper, wrapper_settings, names, order, seed, "wrapper")
    if around is not None and not isinstance(around, StepWrapper):
        raise UserError(f"{around.name} is not a wrapper; say method={around.name!r}. `bench methods` marks wrappers.")
    if around is not None:
        _check_wrapper(around, made)

    twin = instance(method, settings, names, order, seed, "twin")
    return Choice(made, around, twin, [names[place] for place in order])


def instance(
    spec: Spec, settings: Mapping[str, Any] | None, names: Sequence[str], order: Sequence[int], seed: int, purpose: str
) -> Method:
    """A method of one's own. An instance that is given is copied, and keeps its settings and its generator's seed.

    Settings per task are by task name, or in the order of the sorted names.
    """
    if isinstance(spec, Method):
        if settings:
            raise UserError(f"{spec.name} is an instance that has settings: give it those, or give its name.")
        made = copy.deepcopy(spec)
        made.settings = registry.in_blind_order(made.settings, order)
        return made

    kind = registry.load(spec) if isinstance(spec, str) else spec
    found = registry.settings_of(kind, settings or {}, names)
    return kind(registry.in_blind_order(found, order), seeded(seed, purpose))


def _check_method(method: Method, regime: str) -> None:
    name = method.name
    if isinstance(method, RunPlan):
        raise UserError(
            f"{name} is a plan of several trainings, and a trainer of TRL's is one. It runs in the harness: "
            f"`bench run method={name}`."
        )
    if isinstance(method, StepWrapper):
        raise UserError(f"{name} is a wrapper, it acts around a method: say method='uniform', wrapper={name!r}.")
    _check_passes(method)

    if regime == "sft" and (isinstance(method, SampleWeighting) or "rollouts" in method.needs):
        raise UserError(f"{name} weights completions, and SFT has none; it works with BalancedGRPOTrainer.")
    if regime == "sft" and (missing := sorted(LATER & method.needs)):
        raise UserError(
            f"{name} needs {', '.join(missing)}, losses that TRL's loop does not take. It runs in the harness: "
            f"`bench run method={name}` with a suite of regime=sft."
        )


def _check_wrapper(wrapper: StepWrapper, method: Method) -> None:
    _check_passes(wrapper)
    if wrapper.needs_weights and isinstance(method, GradientCombination):
        raise UserError(
            f"{wrapper.name} changes the weights that a method returns, and {method.name} returns a direction. "
            "Choose a method that acts on weights, such as pcgrad."
        )


def _check_passes(method: Method) -> None:
    word = "wrapper" if isinstance(method, StepWrapper) else "method"
    if missing := sorted(PASSES & method.needs):
        raise UserError(
            f"{method.name} needs {', '.join(missing)}: more passes over a step's batch, which TRL's loop does not "
            f"keep. It runs in the harness: `bench run {word}={method.name}`."
        )


def names_in(values: Sequence[object], column: str, wanted: Sequence[str] | None) -> list[str]:
    """The tasks that a column names, sorted. UserError for no name, one that is not wanted, or a single task."""
    odd = [value for value in values if not isinstance(value, str) or not value]
    if odd:
        raise UserError(f"column {column!r} must hold a task's name in every row; it holds {odd[0]!r}.")

    found = sorted({str(value) for value in values})
    if wanted is not None and (strangers := sorted(set(found) - set(wanted))):
        raise UserError(
            f"column {column!r} names the tasks {', '.join(strangers)}, which are not among tasks={sorted(wanted)}."
        )

    names = sorted(set(wanted)) if wanted is not None else found
    if len(names) < 2:
        raise UserError(f"column {column!r} names {len(names)} task ({', '.join(names)}): there is nothing to balance.")
    return names


def info_of(sizes: Mapping[str, int], tasks: Sequence[str], steps: int, counts: tuple[int, int, int]) -> RunInfo:
    """What the method is told of the run. sizes: rows a task, where they are known; counts: see `Balancing.counts`."""
    rows = torch.tensor([sizes.get(task, 1) for task in tasks], dtype=torch.float64)
    prompts, tokens, rollouts = counts
    return RunInfo(len(tasks), rows, steps, prompts=prompts, reply_tokens=tokens, rollouts=rollouts)
