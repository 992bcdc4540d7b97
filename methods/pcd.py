"""PCD: follow each task in turn as far as the others still gain a share of what they could, and average.

Source     Not All Objectives Are Born Equal: Priority-Constrained Descent, TMLR 2026, arXiv 2606.29521
Differs    every task is primary in turn and the directions are averaged: the paper has one primary objective, a blind
           benchmark has none; no epsilon under the root; solved on cosines, an exact change of variables; a task
           without prompts keeps its mean squared norm
Costs      K quadratic programs of size K; no extra backward pass
Conflicts  in 2 % of strongly conflicting gradients
Formula    d_i = argmin_d norm(d - tilde(g)_i)^2 such that inner(tilde(g)_j, d) >= tau norm(tilde(g)_j)^2 ; tilde(g)_k =
           g_k / sqrt(v_k)

With g~_k = g_k / sqrt(v_k), v_k a bias-corrected exponential mean of |g_k|^2, the direction for primary i is the point
nearest to g~_i with <g~_j, d> >= tau |g~_j|^2 for all other j, rescaled to the length of g_i; g_i if there is none.
"""

import math

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, RunInfo, Settings, Signals, setting
from methods._estimates import ExponentialMean
from methods._halfspaces import halfspace_weights


class PCDSettings(Settings):
    tau: float = setting(0.02, low=0.0, high=1.0, search=(0.0, 0.2), doc="share of its own progress a task is left")
    beta: float = setting(0.999, low=0.0, high=0.9999, search=(0.9, 0.999), doc="memory of the squared norms")


class PCD(GramianWeighting):
    name = "pcd"
    version = 1
    Settings = PCDSettings
    state = ("squares",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.squares = ExponentialMean.of(run.tasks)

    def _after(self, signals: Signals) -> ExponentialMean:
        squares = torch.where(signals.losses.isnan(), signals.losses, signals.gramian.norms.square())
        return self.squares.add(squares, self.settings.beta)

    def observe(self, signals: Signals) -> None:
        self.squares = self._after(signals)

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        usual = self._after(signals).value.sqrt()[signals.gramian.norms > 0]
        lengths = gramian.norms / usual  # of the g~; NaN cannot be: a task with a gradient had prompts
        primaries = [self._follow(task, gramian.cosines, lengths) for task in range(len(lengths))]
        return torch.stack(primaries).T @ gramian.norms / gramian.norms / len(lengths)

    def _follow(self, primary: int, cosines: Tensor, lengths: Tensor) -> Tensor:
        """Weights on unit gradients, [K'], of the direction of unit length for one primary; zeros if it is zero."""
        start = torch.zeros_like(lengths)
        start[primary] = lengths[primary]
        demand = self.settings.tau * lengths
        demand[primary] = -math.inf

        found, served = halfspace_weights(cosines, start, demand)
        found = found if served else start
        square = float(found @ cosines @ found)
        rounding = 16 * torch.finfo(torch.float64).eps * float(found.abs().sum()) ** 2
        return found / math.sqrt(square) if square > rounding else torch.zeros_like(found)
