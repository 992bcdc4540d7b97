"""SDMGrad: move the weights towards the least norm of their sum, with an estimate of the Gramian free of bias.

Source     Xiao et al. 2023, arXiv 2305.18409, Algorithm 1; settings of the authors' code
Differs    the product of two independent batches is the step's cross Gramian, whose squares come from two halves of a
           task's batch, and whose other products from the tasks' own batches; the third batch is that of the next
           step: weights found in a step are used in the next, so that both are independent, and the first step is the
           mean; steps on the weights are 1 / the largest eigenvalue of the measured Gramian, where the code's are
           10 / the mean norm squared: those often end worse than equal weights, and on what, turns on rounding; a
           square without an estimate is the measured one; silent tasks keep their weights, at most 1/K in the mean
Costs      `iterations` products of size K; no extra backward pass
Conflicts  in 99 % of strongly conflicting gradients, in the first step
Formula    w = argmin_(w in Delta) 1/2 norm(J^T (w + lambda / K ones))^2 ; d = (J^T w + lambda g_0) / (1 + lambda)

Minimises |G' (w + lambda / K)|^2 / 2 over the simplex by projected descent with momentum, from the last weights; the
update is (G' w + lambda mean_k g_k) / (1 + lambda). The estimate's eigenvalues are at most the measured Gramian's if
halves are equal, so that the descent is stable at rates below 2 (1 + momentum).
"""

import torch
from torch import Tensor

from methods import Gramian, GramianWeighting, RunInfo, Settings, Signals, setting
from methods._simplex import project_simplex
from methods._spectral import shares_after, shares_among
from methods._weights import equal


class SDMGradSettings(Settings):
    pull: float = setting(0.3, low=0.0, high=100.0, search=(0.1, 10.0), log=True, doc="lambda: pull towards the mean")
    iterations: int = setting(20, low=1, high=1000, doc="descent steps on the weights, each training step")
    rate: float = setting(1.0, low=0.0, high=2.0, doc="size of these steps, over the largest eigenvalue")
    momentum: float = setting(0.5, low=0.0, high=0.99, search=(0.0, 0.9), doc="momentum of these steps")


class SDMGrad(GramianWeighting):
    name = "sdmgrad"
    version = 1
    Settings = SDMGradSettings
    needs = frozenset({"gramian", "cross_gramian"})
    state = ("shares",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.shares = equal(run.tasks)

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        shares = shares_among(self.shares, signals.gramian.matrix.diagonal() > 0)
        pull = float(self.settings.pull)
        return (shares + pull / len(shares)) / (1 + pull)

    def observe(self, signals: Signals) -> None:
        scale = torch.linalg.matrix_norm(signals.gramian.matrix, ord=2)
        self.shares = shares_after(
            self.shares, signals, lambda product, shares: self._descended(product / scale, shares)
        )

    def _descended(self, product: Tensor, shares: Tensor) -> Tensor:
        velocity = torch.zeros_like(shares)
        for _ in range(self.settings.iterations):
            slope = product @ (shares + self.settings.pull / len(shares))
            velocity = self.settings.momentum * velocity + slope
            shares = project_simplex(shares - self.settings.rate * velocity)
        return shares
