"""What a method is: a card, settings with bounds, declared state, a generator, and hooks into the step.

A method never sees a task's name, a parameter or the clock. Tasks are indices 0..K-1 in an order drawn
from the seed; permuting them must permute the answer. The harness owns clipping, the optimizer step, data
order and chance. Weights are such that K identical gradients g combine to g.
"""

from abc import ABC, abstractmethod
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self

import torch
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from torch import Generator, Tensor

Need = Literal["gramian", "cross_gramian", "gradients", "validation_loss", "extra_forward", "extra_backward"]


class Settings(BaseModel):
    """Settings of a method: defaults, bounds and search space in one place, by `setting`."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def setting(
    default: Any,
    *,
    low: float | None = None,
    high: float | None = None,
    log: bool = False,
    per_task: bool = False,
    search: tuple[float, float] | None = None,
    doc: str,
) -> Any:
    """A settings field. low, high: inclusive bounds of legal values (for per-task fields, of each entry).

    search: the range that tuning draws from, log-uniformly if `log`; per_task: one value a task, written in
    the suite's task order and handed to the method in its blind order.
    """
    stored: dict[str, Any] = {
        "per_task": per_task,
        "log": log,
        "search": list(search) if search else None,
        "low": low,
        "high": high,
    }
    bounds: dict[str, Any] = {} if per_task else {"ge": low, "le": high}
    return Field(default, description=doc, json_schema_extra=stored, **bounds)


def extra(field: FieldInfo, key: str) -> Any:
    """One of the values `setting` stored beside a field."""
    stored = field.json_schema_extra
    return stored.get(key) if isinstance(stored, dict) else None


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What a method may know of its run.

    tasks: K; sizes: [K] training rows a task; steps: optimizer steps of the budget.
    """

    tasks: int
    sizes: Tensor
    steps: int


@dataclass(frozen=True, slots=True)
class Gramian:
    """Inner products of the K task gradients, [K, K], float64, positive semidefinite."""

    matrix: Tensor

    @property
    def norms(self) -> Tensor:
        """Gradient norms, [K]."""
        return self.matrix.diagonal().clamp(min=0).sqrt()

    @property
    def cosines(self) -> Tensor:
        """Pairwise cosines, [K, K]; rows and columns of zero gradients are zero."""
        norms = self.norms
        inverse = torch.where(norms > 0, 1 / norms, torch.zeros_like(norms))
        return self.matrix * inverse[:, None] * inverse[None, :]

    def __len__(self) -> int:
        return len(self.matrix)

    def restricted(self, rows: Tensor) -> "Gramian":
        """The Gramian of some of the tasks; rows: [K] bool."""
        return Gramian(self.matrix[rows][:, rows])


@dataclass(frozen=True, slots=True)
class Rollouts:
    """The N completions of a step, before any loss. All tensors are [N].

    task: blind task index; group: prompt group; rewards in [0, 1]; advantages: group-normalised (GRPO);
    lengths, prompt_lengths: tokens.
    """

    task: Tensor
    group: Tensor
    rewards: Tensor
    advantages: Tensor
    lengths: Tensor
    prompt_lengths: Tensor


@dataclass(frozen=True, slots=True)
class Signals:
    """What is known of a step, per task. Tensors are [K] float64 unless said otherwise.

    gramian is full-batch; cross_gramian [K, K] has unbiased diagonal entries (two halves by prompt group; NaN
    with fewer than two groups) and may be indefinite. silent: share of groups without any advantage.
    shares: share of the step's prompts; losses: mean surrogate loss.
    """

    step: int
    losses: Tensor
    rewards: Tensor
    mean_abs_advantage: Tensor
    lengths: Tensor
    prompt_lengths: Tensor
    silent: Tensor
    shares: Tensor
    gramian: Gramian
    cross_gramian: Tensor


class Method(ABC):
    """Base of all methods. A subclass in its own public module is registered by its file alone."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raise it with every change that can change an answer; a test compares the syntax tree."""
    Settings: ClassVar[type[Settings]] = Settings
    state: ClassVar[tuple[str, ...]] = ()
    """Attributes that `observe` or the hooks change; the base saves, restores and resets them."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the method uses. Gramians are measured in every run; extra passes are made and charged only if named."""

    def __init__(self, settings: Any = None, generator: Generator | None = None) -> None:
        self.settings: Any = settings if settings is not None else self.Settings()
        self.generator = generator if generator is not None else Generator().manual_seed(0)
        self.run: RunInfo | None = None
        self._initial: dict[str, Any] = {}

    def begin(self, run: RunInfo) -> None:
        """Called once before the first step. Subclasses that override it call it first."""
        self.run = run

    def start(self, run: RunInfo) -> Self:
        """`begin`, then remember the initial state, so that `reset` can restore it."""
        self.begin(run)
        self._initial = self.state_dict()
        return self

    def observe(self, signals: Signals) -> None:  # noqa: B027 - a hook most methods leave empty
        """Called at the end of every step with what was measured in it."""

    def state_dict(self) -> dict[str, Any]:
        """Declared state and the generator's, as a deep copy."""
        values = {name: deepcopy(getattr(self, name)) for name in self.state}
        return {**values, "generator": self.generator.get_state().clone()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Restore what `state_dict` gave."""
        self.generator.set_state(saved["generator"].clone())
        for name in self.state:
            setattr(self, name, deepcopy(saved[name]))

    def reset(self) -> None:
        """Back to the state after `start`."""
        self.load_state_dict(self._initial)


class TaskSampling(Method):
    """Acts on which tasks the next step's prompts come from."""

    @abstractmethod
    def proportions(self) -> Tensor:
        """Intended share of the next step's prompts, [K], non-negative, sum 1."""


class SampleWeighting(Method):
    """Acts on each completion before the loss."""

    def advantages(self, rollouts: Rollouts) -> Tensor:
        """Advantages to train on, [N]. Default: as normalised by group."""
        return rollouts.advantages

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        """Weight of every token of a completion within its task's mean loss, [N].

        Default: 1 / length, so that each completion counts the same (GRPO's per-sequence mean).
        """
        return 1 / rollouts.lengths.clamp(min=1)


class Weighting(Method):
    """A method whose update is a weighted sum of task gradients."""

    def combine_weights(self, signals: Signals) -> Tensor:
        """Weights [K] over all tasks; a task whose gradient is exactly zero gets weight 0."""
        heard = signals.gramian.matrix.diagonal() > 0
        weights = torch.zeros(len(heard), dtype=torch.float64)
        if heard.any():
            weights[heard] = self.solve(signals, heard)
        return weights

    @abstractmethod
    def solve(self, signals: Signals, heard: Tensor) -> Tensor:
        """Weights of the tasks in `heard` ([K] bool, at least one)."""


class LossWeighting(Weighting):
    """Acts on the weights of the task losses, from losses and rewards only."""

    @abstractmethod
    def weights(self, signals: Signals) -> Tensor:
        """Loss weights, [K]; 1/K each is the plain mean."""

    def solve(self, signals: Signals, heard: Tensor) -> Tensor:
        return self.weights(signals)[heard]


class GramianWeighting(Weighting):
    """Acts on the task gradients through their inner products only."""

    needs: ClassVar[frozenset[Need]] = frozenset({"gramian"})

    @abstractmethod
    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        """Weights, [K'], for the K' tasks with a gradient; float64."""

    def solve(self, signals: Signals, heard: Tensor) -> Tensor:
        # A silent task leaves the problem, but the scale stays: of K tasks, K' can share at most K'/K.
        return self.weights(signals.gramian.restricted(heard), signals) * heard.double().mean()


class GradientCombination(Method):
    """Acts on whole task gradients."""

    needs: ClassVar[frozenset[Need]] = frozenset({"gradients"})

    @abstractmethod
    def combine(self, gradients: Tensor, layout: "Layout", signals: Signals) -> Tensor:
        """The update direction, [P], from gradients [K, P]; `layout` says where tensors begin."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where each parameter tensor lies in a flat gradient: names and sizes, in order."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]


HOOKS = (TaskSampling, SampleWeighting, LossWeighting, GramianWeighting, GradientCombination)


def acts_on(method: Method) -> list[str]:
    """Names of the hook classes of a method, in the order of the step."""
    return [hook.__name__ for hook in HOOKS if isinstance(method, hook)]
