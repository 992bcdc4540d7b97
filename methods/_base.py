"""What a method is: a card, settings with bounds, declared state, a generator, and hooks into the step.

A method never sees a task's name, a parameter or the clock. Tasks are indices 0..K-1 in an order drawn
from the seed; permuting them must permute the answer. The harness owns clipping, the optimizer step, data
order and chance. Weights are such that K identical gradients g combine to g.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from copy import deepcopy
from typing import Any, ClassVar, Literal, Protocol, Self

import torch
from torch import Generator, Tensor

from methods._settings import Settings, extra, setting
from methods._signals import Gramian, Layout, Rollouts, RunInfo, Signals

__all__ = [
    "HOOKS",
    "GradientCombination",
    "Gramian",
    "GramianWeighting",
    "Inner",
    "Layout",
    "LossWeighting",
    "Method",
    "Need",
    "Passes",
    "Rollouts",
    "RunInfo",
    "RunPlan",
    "SampleWeighting",
    "Settings",
    "Signals",
    "Stages",
    "StepWrapper",
    "TaskSampling",
    "Weighting",
    "acts_on",
    "extra",
    "setting",
]

Need = Literal[
    "gramian",
    "cross_gramian",
    "gradients",
    "validation_loss",
    "second_forward",
    "extra_forward",
    "extra_backward",
    "rollouts",
]


class Method(ABC):
    """Base of all methods. A subclass in its own public module is registered by its file alone."""

    name: ClassVar[str]
    version: ClassVar[int]
    """Raise it with every change that can change an answer; a test compares the syntax tree."""
    Settings: ClassVar[type[Settings]] = Settings
    state: ClassVar[tuple[str, ...]] = ()
    """Attributes that `observe` or the hooks change; the base saves, restores and resets them."""
    needs: ClassVar[frozenset[Need]] = frozenset()
    """What the method uses. Gramians are measured in every run; extra passes are made and charged only if named.

    "rollouts": it cannot run where no completions are sampled, as in SFT.
    """

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

    def updated(self, losses: Tensor) -> None:  # noqa: B027 - a hook most methods leave empty
        """Called when the optimizer has stepped, in SFT only and for methods that need "second_forward".

        losses: [K] float64, of the step's own batch under the new parameters; NaN for a task without prompts. The pass
        is charged. Under GRPO there is none: a surrogate has no level.
        """

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
    """Acts on the weights of the task losses."""

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
    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        """The update direction, [P], from gradients [K, P]; `layout` says where tensors begin."""


class Inner(Protocol):
    """The method inside a wrapper."""

    def __call__(self, gradients: Tensor, twin: bool = False) -> Tensor:
        """The direction, [P], that the method makes of task gradients [K, P].

        twin: ask a second copy of the method, with its own state and generator, that is fed the same way.
        """


class Passes(Protocol):
    """Extra passes over the step's batch, charged to the ledger. Offsets are from the parameters as they are."""

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task gradients [K, P], that of task k at parameters + offset(k), [P]."""

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task losses [K] float64, that of task k at parameters + offset(k); NaN for a task without prompts."""


class StepWrapper(Method):
    """Acts around a step, whatever the method inside: `method=pcgrad wrapper=sparse_training`."""

    needs_weights: ClassVar[bool] = False
    """Whether the method inside must be one that returns weights, because `smooth` is all the wrapper does."""

    frozen: Tensor | None = None
    """Parameters that stay as they are, [P] bool, whatever the optimizer does; set in `prepare`."""

    def prepare(self, parameters: Tensor, layout: Layout) -> None:
        """Called once before the first step, with the pre-trained parameters, [P]."""

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        """The weights [K] to use in place of those that the method inside chose."""
        return weights

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        """The update direction, [P], from gradients [K, P], which stay as they are."""
        return inner(gradients)


class Stages(Protocol):
    """What a plan of runs trains with. One budget for the whole plan: `left` full steps of the suite.

    A full step has as many prompts as a step of any other method; parts of it cost their share.
    """

    layout: Layout
    left: float

    def parameters(self) -> Tensor:
        """A copy of the model's trained parameters, [P]."""

    def load(self, parameters: Tensor) -> None:
        """Set the model's trained parameters, [P]."""

    def train(
        self,
        steps: int,
        shares: Callable[[int], Tensor],
        size: float = 1.0,
        after: Callable[[int], None] | None = None,
        observe: Callable[[Signals], None] | None = None,
    ) -> list[Signals]:
        """Train `steps` steps with a fresh optimizer and warm-up, and return their signals.

        shares: shares [K] of the prompts of step 0, 1, ...; size: prompts of each step, as a part of a full one, in
        (0, 1]; after: called with 0, 1, ... when the optimizer has stepped; it may `load`; observe: called with the
        signals of every step. What they remember must be plain values or tensors in variables of `execute`, or
        declared `state`: a run may be interrupted and go on. RunFailed if it costs more than is left.
        """

    def distil(
        self, steps: int, teachers: Tensor, shares: Callable[[int], Tensor], size: float = 1.0, own: bool = True
    ) -> list[Signals]:
        """Train as `train` does, but on teachers, [K, P], one a task, in place of the advantages of rewards.

        own: on the student's completions, towards the least reverse KL divergence to the teacher at each token; else on
        the teachers' completions, towards the likelihood of those that are rewarded. A plan that calls it needs
        "rollouts".
        """

    def score(self, size: float) -> Tensor:
        """Mean reward [K] of the model as it is, on fresh training prompts; size as in `train`, and as dear."""


class RunPlan(Method):
    """Acts on the whole run: several trainings, and what becomes of their models, under one ledger."""

    @abstractmethod
    def execute(self, stages: Stages) -> Tensor:
        """Train, and return the final parameters: [P], or [K, P] for one model a task."""


HOOKS = (
    TaskSampling,
    SampleWeighting,
    LossWeighting,
    GramianWeighting,
    GradientCombination,
    StepWrapper,
    RunPlan,
)


def acts_on(method: Method) -> list[str]:
    """Names of the hook classes of a method, in the order of the step."""
    return [hook.__name__ for hook in HOOKS if isinstance(method, hook)]
