"""What the battery gives to methods: task gradients, and the signals and rollouts of a step that has them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Generator, Tensor

from methods import Gramian, Layout, Rollouts, Signals

STEPS = 8
"""Steps of a run."""
ABSENT: tuple[tuple[int, ...], ...] = ((0,), (), (1, 2), (), (0,), (0,), (), (2,))
"""Which of three tasks have no prompts in each of these steps."""


@dataclass(frozen=True)
class Step:
    """What a method sees of a step: task gradients [K, P], their signals, and the rollouts, if there are any.

    curved: whether the losses behind the gradients are curved; see `methods._battery.toys`.
    """

    gradients: Tensor
    signals: Signals
    rollouts: Rollouts | None
    curved: bool = True


@dataclass(frozen=True)
class Case:
    """A run of some steps, and what it is in words."""

    words: str
    steps: tuple[Step, ...]

    @property
    def tasks(self) -> int:
        """K."""
        return len(self.steps[0].gradients)

    def at(self, index: int) -> str:
        """A step of it, in words."""
        return f"{self.words}, step {index + 1}" if len(self.steps) > 1 else self.words


def case_of(words: str, gradients: Tensor, vary: bool = True, steps: int = STEPS) -> Case:
    """Steps with these task gradients, [K, P]; vary: each step adds a little to them."""
    source = Generator().manual_seed(5)
    made = []
    for step in range(steps):
        noise = torch.randn(gradients.shape, dtype=torch.float64, generator=source)
        rows = gradients * (1 + 0.1 * noise) if vary else gradients
        made.append(Step(rows, signals_of(rows, step), rollouts_of(len(rows), source)))
    return Case(words, tuple(made))


def signals_of(gradients: Tensor, step: int = 0) -> Signals:
    """Signals of a step with these task gradients, [K, P]; the rest differs by task and step."""
    count = len(gradients)
    rows = gradients.double()
    rising = 0.2 + 0.6 * torch.arange(count, dtype=torch.float64) / max(count - 1, 1)
    gramian = rows @ rows.T
    return Signals(
        step=step,
        losses=rising.flip(0) / (1 + step),
        rewards=rising * (step + 1) / (step + 2),
        mean_abs_advantage=1 - rising,
        lengths=30 * rising,
        prompt_lengths=20 + 10 * rising,
        silent=rising / 2,
        shares=torch.full((count,), 1 / count, dtype=torch.float64),
        gramian=Gramian(gramian),
        cross_gramian=0.9 * gramian,
    )


def rollouts_of(tasks: int, source: Generator) -> Rollouts:
    """Two prompt groups of four completions a task, advantages normalised by group."""
    groups = 2 * tasks
    rewards = torch.randint(0, 2, (groups, 4), generator=source).double()
    centred = rewards - rewards.mean(dim=1, keepdim=True)
    advantages = centred / (centred.square().mean(dim=1, keepdim=True).sqrt() + 1e-4)
    group = torch.arange(groups).repeat_interleave(4)
    lengths = torch.randint(1, 30, (4 * groups,), generator=source)
    return Rollouts(group // 2, group, rewards.flatten(), advantages.flatten(), lengths, 2 * lengths)


def layout_of(width: int) -> Layout:
    """A vector and a matrix that share `width` parameters, 2 or more."""
    first = width // 2
    rows = 1 if (width - first) % 2 else 2
    shapes = ((first,), (rows, (width - first) // rows))
    return Layout(("layer.bias", "layer.weight"), (first, width - first), shapes)


def random_rows(tasks: int, width: int, seed: int = 0) -> Tensor:
    """Conflicting gradients, [K, P], of norms that differ by a factor of ten."""
    rows = torch.randn(tasks, width, dtype=torch.float64, generator=Generator().manual_seed(seed))
    rows = rows - 0.3 * rows.sum(dim=0)
    return rows * torch.logspace(-1, 0, tasks, dtype=torch.float64)[:, None]


def rows_of(cosines: Tensor, norms: Tensor) -> Tensor:
    """Gradients, [K, K], with these pairwise cosines, positive definite, and norms."""
    rows: Tensor = norms[:, None] * torch.linalg.cholesky(cosines)
    return rows


def equal_cosines(tasks: int, cosine: float) -> Tensor:
    """All pairs at the same cosine, which must be above -1 / (K - 1)."""
    return torch.full((tasks, tasks), cosine, dtype=torch.float64).fill_diagonal_(1)


def one_against_all(tasks: int) -> Tensor:
    """Cosines of a task that opposes all others, at -0.99; the others agree."""
    cosines = equal_cosines(tasks, 0.9801)
    cosines[0, 1:] = cosines[1:, 0] = -0.99
    return cosines


def permuted(step: Step, order: Sequence[int]) -> Step:
    """The step with task order[k] as task k."""
    signals: dict[str, Any] = {field.name: getattr(step.signals, field.name) for field in fields(Signals)}
    rows = list(order)
    for key, value in signals.items():
        if isinstance(value, Gramian):
            signals[key] = Gramian(value.matrix[rows][:, rows])
        elif isinstance(value, Tensor):
            signals[key] = value[rows][:, rows] if value.ndim == 2 else value[rows]

    rollouts = step.rollouts
    if rollouts is not None:
        rollouts = replace(rollouts, task=torch.tensor(rows).argsort()[rollouts.task])
    return replace(step, gradients=step.gradients[rows], signals=Signals(**signals), rollouts=rollouts)


def alike(step: Step) -> Step:
    """The step where all tasks have the signals of the first, and losses are linear."""
    values = {field.name: getattr(step.signals, field.name) for field in fields(Signals)}
    firsts: dict[str, Any] = {
        key: value[:1].expand(len(value)) for key, value in values.items() if getattr(value, "ndim", 0) == 1
    }
    return replace(step, signals=replace(step.signals, **firsts), curved=False)


def without_prompts(step: Step, tasks: Collection[int]) -> Step:
    """The step where these tasks have no prompts, and the others share theirs."""
    gone = torch.zeros(len(step.gradients), dtype=torch.bool)
    gone[list(tasks)] = True

    rows = step.gradients.masked_fill(gone[:, None], 0)
    signals = signals_of(rows, step.signals.step)
    unknown = ("losses", "rewards", "mean_abs_advantage", "lengths", "prompt_lengths", "silent")
    values: dict[str, Any] = {key: getattr(signals, key).masked_fill(gone, torch.nan) for key in unknown}
    shares = (~gone).double() / (~gone).sum()
    cross = torch.where(torch.diag(gone), torch.nan, signals.cross_gramian)

    rollouts = step.rollouts
    if rollouts is not None:
        stays = ~gone[rollouts.task]
        rollouts = Rollouts(**{field.name: getattr(rollouts, field.name)[stays] for field in fields(Rollouts)})
    return Step(rows, replace(signals, **values, shares=shares, cross_gramian=cross), rollouts)


def without_rewards(step: Step) -> Step:
    """The step of supervised training: losses, and nothing that comes from rewards."""
    unknown = torch.full_like(step.signals.losses, torch.nan)
    signals = replace(step.signals, rewards=unknown, mean_abs_advantage=unknown, silent=unknown)
    return replace(step, signals=signals, rollouts=None)


def with_signals(case: Case, rows: Sequence[Tensor], words: str) -> Case:
    """The same run with other gradients, one [K, P] a step."""
    steps = zip(case.steps, rows, strict=True)
    changed = (replace(step, gradients=row, signals=signals_of(row, at)) for at, (step, row) in enumerate(steps))
    return Case(words, tuple(changed))
