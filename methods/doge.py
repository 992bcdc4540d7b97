"""DoGE: prompts move to tasks whose gradient agrees with the sum of all tasks' gradients.

Source     Fan et al. 2024, arXiv 2310.15393, the update of the domain weights
Differs    online: the shares steer the run itself, where the paper learns them on a small proxy model and trains a
           second model on their mean; products are divided by the mean squared norm of the step's gradients, so that
           the rate has no unit; squares are unbiased where two halves of a batch are there; no share falls under a
           floor
Costs      nothing beyond a plain step: the products are measured anyway
Formula    p_k prop p_k exp((eta inner(g_k, sum_j g_j)) / (K s))

p_k <- p_k exp(rate <g_k, sum_j g_j> / (K s)), normalised, with s the mean squared norm. Orthogonal gradients of one
norm leave the shares as they are.
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting
from methods._estimates import at_least
from methods._spectral import cross_products
from methods._weights import equal


class DoGESettings(Settings):
    rate: float = setting(0.5, low=0.0, high=100.0, log=True, search=(0.05, 5.0), doc="step of the log shares")
    floor: float = setting(0.25, low=0.0, high=1.0, search=(0.1, 0.5), doc="least share, in equal shares")


class DoGE(TaskSampling):
    name = "doge"
    version = 1
    Settings = DoGESettings
    needs = frozenset({"gramian", "cross_gramian"})
    state = ("shares",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.shares = equal(run.tasks)

    def observe(self, signals: Signals) -> None:
        squares = signals.gramian.matrix.diagonal()
        heard = squares > 0
        if not heard.any():
            return

        gain = torch.zeros_like(squares)
        gain[heard] = cross_products(signals, heard).sum(dim=1) / squares[heard].mean() / heard.sum()
        moved = (self.shares.log() + self.settings.rate * gain).softmax(dim=0)
        self.shares = at_least(moved, self.settings.floor / len(moved))

    def proportions(self) -> Tensor:
        return self.shares
