"""MoDo: one step a time, move the weights towards the least norm of their sum, free of the bias of noise.

Source     Chen et al. 2023, arXiv 2305.20057, Algorithm 1 (MoDo); gamma and rho of the authors' code
Differs    the product of two independent batches is the step's cross Gramian, whose squares come from two halves of a
           task's batch, and whose other products from the tasks' own batches; the third batch is that of the next
           step: weights found in a step are used in the next, so that both are independent, and the first step is the
           mean; the product is divided by the mean squared norm of the step's gradients, so that gamma has no unit;
           a square without an estimate is the measured one; silent tasks keep their weights, at most 1/K in the mean
Costs      one product of size K; no extra backward pass
Conflicts  in 99 % of strongly conflicting gradients, in the first step
Formula    w <- Pi_Delta(w - gamma (G_1 G_2^T + rho I) w) ; d = G_3^T w

w <- the simplex's nearest point to w - gamma (G1 G2' + rho) w, and the update is G3' w.
"""

from torch import Tensor

from methods import Gramian, GramianWeighting, RunInfo, Settings, Signals, setting
from methods._simplex import project_simplex
from methods._spectral import shares_after, shares_among
from methods._weights import equal


class MoDoSettings(Settings):
    gamma: float = setting(0.1, low=0.0, high=10.0, log=True, search=(1e-3, 1.0), doc="step of the weights")
    rho: float = setting(0.1, low=0.0, high=10.0, search=(0.0, 1.0), doc="pull towards equal weights")


class MoDo(GramianWeighting):
    name = "modo"
    version = 1
    Settings = MoDoSettings
    needs = frozenset({"gramian", "cross_gramian"})
    state = ("shares",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.shares = equal(run.tasks)

    def weights(self, gramian: Gramian, signals: Signals) -> Tensor:
        return shares_among(self.shares, signals.gramian.matrix.diagonal() > 0)

    def observe(self, signals: Signals) -> None:
        squares = signals.gramian.matrix.diagonal()

        def improved(product: Tensor, shares: Tensor) -> Tensor:
            slope = product @ shares / squares[squares > 0].mean() + self.settings.rho * shares
            return project_simplex(shares - self.settings.gamma * slope)

        self.shares = shares_after(self.shares, signals, improved)
