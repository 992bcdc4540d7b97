"""A problem with exact gradients for plans to train on: bowls, one a task, and AdamW."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Generator, Tensor

from methods import Layout, Signals

MakeSignals = Callable[..., Signals]
STEPS, PROMPTS, RATE = 24, 6, 0.05
LAYOUT = Layout(("bias", "weight"), (2, 6), ((2,), (2, 3)))


class Bowls:
    """`Stages` of tasks with losses sum_p bend_kp (x_p - centre_kp)^2 / 2 and rewards exp(-loss), by AdamW.

    centres, bends: [K, P]. `done` lists the size and the shares of every step.
    """

    layout = LAYOUT

    def __init__(self, centres: Tensor, bends: Tensor, signals_of: MakeSignals, steps: int = STEPS) -> None:
        self.centres, self.bends, self.signals_of = centres, bends, signals_of
        self.left, self.now = float(steps), torch.zeros(centres.shape[1], dtype=torch.float64)
        self.done: list[tuple[float, list[float]]] = []
        self.stages: list[int] = []
        self.scores: list[float] = []

    def losses(self, model: Tensor) -> Tensor:
        """[K], of a model, [P], or of one model a task, [K, P]."""
        return (self.bends * (model - self.centres).square()).sum(dim=1) / 2

    def parameters(self) -> Tensor:
        return self.now.clone()

    def load(self, parameters: Tensor) -> None:
        self.now.copy_(parameters)

    def train(
        self,
        steps: int,
        shares: Callable[[int], Tensor],
        size: float = 1.0,
        after: Callable[[int], None] | None = None,
        observe: Callable[[Signals], None] | None = None,
    ) -> list[Signals]:
        self.stages.append(steps)
        optimizer = torch.optim.AdamW([self.now], lr=RATE, weight_decay=0.0)
        seen = []
        for at in range(steps):
            seen.append(self.step(at, shares(at), size, optimizer, after))
            if observe is not None:
                observe(seen[-1])
        return seen

    def step(self, at: int, shares: Tensor, size: float, optimizer: torch.optim.Optimizer, after: Any) -> Signals:
        self.spend(size)
        self.done.append((size, shares.tolist()))
        assert shares.shape == (len(self.centres),)
        assert shares.sum().item() == pytest.approx(1, abs=1e-12)
        rows = self.bends * (self.now - self.centres)
        self.now.grad = shares @ rows
        optimizer.step()
        if after is not None:
            after(at)
        signals = self.signals_of(rows * (shares > 0)[:, None], at)
        seen = torch.where(shares > 0, self.losses(self.now), torch.nan)
        cross = signals.cross_gramian + (0 * seen).diag()
        return replace(signals, losses=seen, rewards=seen.neg().exp(), cross_gramian=cross, shares=shares)

    def distil(self, steps: int, teachers: Tensor, shares: Any, size: float = 1.0, own: bool = True) -> list[Signals]:
        """Towards the teachers, whatever the rewards."""
        centres, self.centres = self.centres, teachers
        seen = self.train(steps, shares, size)
        self.centres = centres
        return seen

    def score(self, size: float) -> Tensor:
        assert round(size * PROMPTS * len(self.centres), 6) >= len(self.centres)
        self.spend(size)
        rewards = self.losses(self.now).neg().exp()
        self.scores.append(rewards.mean().item())
        return rewards

    def spend(self, size: float) -> None:
        assert 0 < size <= 1
        self.left -= size
        assert self.left > -1e-9


def problem(signals_of: MakeSignals, tasks: int, steps: int = STEPS, order: Sequence[int] | None = None) -> Bowls:
    """Tasks that agree for the most part; the first is the loudest, and the last the quietest."""
    source = Generator().manual_seed(7)
    places = list(range(tasks) if order is None else order)
    centres = 0.6 + 0.4 * torch.randn(tasks, sum(LAYOUT.sizes), dtype=torch.float64, generator=source)
    bends = torch.logspace(0, -1, tasks, dtype=torch.float64)[:, None].expand_as(centres)
    return Bowls(centres[places], bends[places], signals_of, steps)
