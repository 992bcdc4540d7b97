"""GradVac: turn each task gradient towards the others until it has the cosine that was usual between the two.

Source     Wang et al. 2021, arXiv 2010.05874, Algorithm 1; one group of all parameters, beta as in LibMTL
Differs    averages the turned gradients where the paper sums them (our scale convention); works on the cosines and is
           the same, because every turned gradient stays in the span of the task gradients; a gradient that was turned
           to zero is left there; a pair with a silent task keeps its usual cosine
Costs      K^2 small dot products; no extra backward pass
Conflicts  in 90 % of strongly conflicting gradients

With p the cosine of g_i' to g_j and q the usual one, if p < q:
g_i' <- g_i' + |g_i'| (q sqrt(1 - p^2) - p sqrt(1 - q^2)) / (|g_j| sqrt(1 - q^2)) g_j; then q <- (1 - beta) q + beta p.
"""

from collections.abc import Iterator
from math import sqrt

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, RunInfo, Settings, Signals, setting
from methods._spectral import ROUNDING


class GradVacSettings(Settings):
    beta: float = setting(0.5, low=0.0, high=1.0, search=(0.01, 0.9), doc="rate of the exponential mean of cosines")


class GradVac(GramianWeighting):
    name = "gradvac"
    version = 1
    Settings = GradVacSettings
    state = ("usual",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.usual = torch.zeros(run.tasks, run.tasks, dtype=torch.float64)

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        cosines, norms = gramian.cosines, gramian.norms
        tasks = (signals.gramian.matrix.diagonal() > 0).nonzero().flatten()
        usual = self.usual[tasks][:, tasks]
        # Row i: task i's turned gradient over |g_i|, in unit gradients; its length does not matter to the turning.
        turned = torch.stack([self._turned(cosines, usual[i], i) for i in range(len(norms))])
        self.usual[tasks[:, None], tasks] = usual
        return norms @ turned / norms / len(norms)

    def _turned(self, cosines: Tensor, usual: Tensor, task: int) -> Tensor:
        """Unit gradients' weights, [K], of a task's turned unit gradient; moves `usual`, [K], its usual cosines."""
        weights = torch.eye(len(cosines), dtype=torch.float64)[task]
        products = cosines[task]
        square = 1.0

        for other in self._others(task, len(cosines)):
            if square <= ROUNDING * float(weights.abs().sum()) ** 2:
                break

            cosine = min(max(float(products[other]) / sqrt(square), -1.0), 1.0)
            aim = float(usual[other])
            if cosine < aim - ROUNDING:
                sine = sqrt(max(1 - aim**2, ROUNDING))
                weights[other] += sqrt(square) * (aim * sqrt(1 - cosine**2) / sine - cosine)
                products = cosines @ weights
                square = float(weights @ products)

            usual[other] += self.settings.beta * (cosine - aim)

        return weights

    def _others(self, task: int, count: int) -> Iterator[int]:
        """All tasks but one, in random order."""
        for place in torch.randperm(count - 1, generator=self.generator).tolist():
            yield place + (place >= task)
