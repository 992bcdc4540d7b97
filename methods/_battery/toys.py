"""A problem small enough to be exact: quadratic task losses, for wrappers and plans to make passes and train on."""

from collections.abc import Callable
from dataclasses import replace
from functools import cache, cached_property

import torch
from torch import Generator, Tensor

from bench.errors import RunFailed
from methods import Gramian, Layout, Method, Signals, StepWrapper, Weighting, _registry
from methods._battery.inputs import Step, layout_of, signals_of

RATE = 0.1
"""Learning rate of the SGD steps."""
ROUNDING = 1e-9
"""Slack of sums of shares, and of costs in full steps."""


def pretrained(width: int) -> Tensor:
    """The parameters that training starts from, [P]."""
    return torch.sin(1 + 2 * torch.arange(width, dtype=torch.float64))


class Quadratics:
    """Task losses L_k(x) = (x - c_k)' A_k (x - c_k) / 2 whose gradients at x = 0 are those of a step; `Passes`.

    A_k is |g_k| times a positive definite matrix that g_k alone decides, so that everything scales with the
    gradients, and tasks of equal gradients are equal. Without curvature, L_k(x) = |g_k| + g_k' x.
    """

    def __init__(self, step: Step) -> None:
        rows = step.gradients.double()
        self.rows = rows
        self.dtype = step.gradients.dtype
        self.absent = step.signals.shares == 0

        norms: Tensor = rows.norm(dim=1)
        units = rows / norms.clamp(min=torch.finfo(torch.float64).tiny)[:, None]
        spread = torch.linspace(0.5, 1.5, rows.shape[1], dtype=torch.float64).diag()
        bend = spread + 0.5 * units[:, :, None] * units[:, None, :] if step.curved else torch.zeros_like(spread)

        self.norms = norms
        self.units = units
        self.bend = bend
        self.curvature = norms[:, None, None] * bend

    @cached_property
    def at_start(self) -> Tensor:
        """Losses at x = 0, [K]: there they are g_k' A_k^-1 g_k / 2, for the least is 0."""
        if not self.bend.any():
            return self.norms
        solved: Tensor = torch.linalg.solve(self.bend, self.units)
        return (solved * self.units).sum(dim=1) * self.norms / 2

    def at(self, offsets: Tensor) -> tuple[Tensor, Tensor]:
        """Losses [K] and gradients [K, P], those of task k at offsets[k]."""
        bent = torch.einsum("kij,kj->ki", self.curvature, offsets)
        losses = self.at_start + ((self.rows + bent / 2) * offsets).sum(dim=1)
        return losses, self.rows + bent

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task gradients [K, P], that of task k at parameters + offset(k)."""
        return self.at(self._offsets(offset))[1].to(self.dtype)

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task losses [K] float64, that of task k at parameters + offset(k); NaN for a task without prompts."""
        return self.at(self._offsets(offset))[0].masked_fill(self.absent, torch.nan)

    def _offsets(self, offset: Callable[[int], Tensor]) -> Tensor:
        present = (~self.absent).nonzero().flatten().tolist()  # as the harness, which passes over what is there
        found = torch.zeros_like(self.rows)
        for task in present:
            found[task] = offset(task)
        return found


class ToyInner:
    """The method inside a wrapper: the plain mean, or a method by name; fresh in every step, so without memory."""

    def __init__(self, wrapper: StepWrapper, step: Step, name: str) -> None:
        self.wrapper = wrapper
        self.step = step
        self.name = name
        self.methods = {
            twin: None if name == "mean" else _method(name, 2 * step.signals.step + twin) for twin in (0, 1)
        }

    def __call__(self, gradients: Tensor, twin: bool = False) -> Tensor:
        method = self.methods[int(twin)]
        weights = torch.full((len(gradients),), 1 / len(gradients), dtype=torch.float64)
        rows = gradients.double()
        signals = _with_gramian(self.step.signals, rows @ rows.T)
        if method is not None:
            weights = method.combine_weights(signals)
        return gradients.T @ self.wrapper.smooth(weights, signals).to(gradients.dtype)


class ToyStages:
    """`Stages` on the quadratics of a step: plain SGD with exact gradients; the reward of a task is exp(-loss)."""

    def __init__(self, step: Step, steps: float) -> None:
        self.problem = Quadratics(step)
        self.tasks = len(step.gradients)
        self.start = pretrained(step.gradients.shape[1])
        self.now = self.start.clone()
        self.layout: Layout = layout_of(len(self.start))
        self.left = steps

    def parameters(self) -> Tensor:
        """A copy of the parameters, [P]."""
        return self.now.clone()

    def load(self, parameters: Tensor) -> None:
        """Set the parameters, [P]."""
        if parameters.shape != self.start.shape or not parameters.isfinite().all():
            raise RunFailed(f"the plan loaded {list(parameters.shape)} parameters, not all of them finite numbers")
        self.now = parameters.detach().clone()

    def train(
        self,
        steps: int,
        shares: Callable[[int], Tensor],
        size: float = 1.0,
        after: Callable[[int], None] | None = None,
        observe: Callable[[Signals], None] | None = None,
    ) -> list[Signals]:
        """Train, and return the signals of the steps. RunFailed if it costs more than is left."""
        self._spend(steps, size)
        seen = []
        for at in range(steps):
            seen.append(self._step(at, shares(at), after))
            if observe is not None:
                observe(seen[-1])
        return seen

    def distil(
        self, steps: int, teachers: Tensor, shares: Callable[[int], Tensor], size: float = 1.0, own: bool = True
    ) -> list[Signals]:
        """Train on |g_k| |x - teacher_k|^2 / 2; on the teachers' own completions by their rewards as well."""
        if teachers.shape != (self.tasks, len(self.start)) or not teachers.isfinite().all():
            raise RunFailed(f"the plan gave {list(teachers.shape)} teachers, not all of them finite numbers")
        self._spend(steps, size)
        rewards = torch.stack([self.problem.at((each - self.start).expand(self.tasks, -1))[0] for each in teachers])
        pull = self.problem.norms * (1.0 if own else rewards.diagonal().neg().exp())

        seen = []
        for at in range(steps):
            rows = pull[:, None] * (self.now - teachers.double())
            seen.append(signals_of(rows, at))
            self.now = self.now - RATE * (shares(at).double() @ rows)
        return seen

    def score(self, size: float) -> Tensor:
        """Mean reward, [K], of the model as it is."""
        self._spend(1, size)
        return self._evaluate()[0].neg().exp()

    def _step(self, at: int, shares: Tensor, after: Callable[[int], None] | None) -> Signals:
        if shares.shape != (self.tasks,) or (shares < 0).any() or abs(shares.sum().item() - 1) > ROUNDING:
            raise RunFailed(f"the plan asked for shares {shares.tolist()}; {self.tasks} of sum 1, none negative")

        losses, rows = self._evaluate()
        seen = torch.where(shares > 0, losses, torch.nan)  # what is added to it is NaN for a task without prompts
        signals = signals_of(rows * (shares > 0)[:, None], at)
        rewards = seen.neg().exp()
        cross = signals.cross_gramian + torch.diag(0 * seen)
        lengths = signals.lengths + 0 * seen
        prompts = signals.prompt_lengths + 0 * seen

        self.now = self.now - RATE * (shares.double() @ rows)
        if after is not None:
            after(at)

        signals = replace(signals, losses=seen, rewards=rewards, mean_abs_advantage=1 - rewards, silent=rewards / 2)
        return replace(signals, lengths=lengths, prompt_lengths=prompts, shares=shares, cross_gramian=cross)

    def _evaluate(self) -> tuple[Tensor, Tensor]:
        return self.problem.at((self.now - self.start).expand(self.tasks, -1))

    def _spend(self, steps: int, size: float) -> None:
        if steps < 1 or not 0 < size <= 1 + ROUNDING:
            raise RunFailed(f"the plan asked for {steps} steps of size {size:g}; 1 or more, of a size in (0, 1]")
        if steps * size > self.left + ROUNDING:
            raise RunFailed(f"the plan asked for {steps * size:g} full steps with {self.left:g} left")
        self.left -= steps * size


@cache
def _loaded(name: str) -> type[Method]:
    return _registry.load(name)


def _method(name: str, seed: int) -> Weighting:
    method = _loaded(name)(None, Generator().manual_seed(seed))
    assert isinstance(method, Weighting), f"{name} does not choose weights"
    return method


def _with_gramian(signals: Signals, matrix: Tensor) -> Signals:
    cross = matrix.clone().fill_diagonal_(torch.nan)  # as in the harness: other gradients have no halves
    return replace(signals, gramian=Gramian(matrix), cross_gramian=cross)
