"""STCH: a smooth maximum of the log losses, each measured from an early level of its own.

Source     Lin et al. 2024, arXiv 2402.19078, as in its code for multi-task learning
Differs    the reward gap in place of the loss, in the gradient as well; the early level (nadir) is the mean gap of
           the first steps, a share of the run, where the authors' code takes the fifth epoch; weights are normalised
           to sum 1; L is an exponential mean over steps, with `decay` 0 as published; a task whose gap is 0 gets
           weight 0; one whose early level is 0 counts as unchanged
Costs      nothing beyond a plain step
Formula    L = mu log sum_k exp((log(L_k / L_k^nadir)) / mu)

The loss is mu log sum_k exp(log(L_k / nadir_k) / mu), and the sum of log losses before the nadir is known. Its
gradient weighs task k in proportion to (L_k / nadir_k)^(1/mu) / L_k: at mu = 1 this is the constant 1 / nadir_k;
smaller values turn to the task furthest behind. The paper tries 0.01 to 1.
"""

from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Levels, log_loss_weights, part_of_run, relative


class STCHSettings(Settings):
    mu: float = setting(0.1, low=1e-3, high=100.0, log=True, search=(0.01, 1.0), doc="0 would be the plain maximum")
    warm_up: float = setting(0.1, low=0.0, high=0.5, search=(0.02, 0.3), doc="share of the run that sets the nadir")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class STCH(LossWeighting):
    name = "stch"
    version = 2
    Settings = STCHSettings
    state = ("levels",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps)
        self.levels = Levels.none(run.tasks)

    def _after(self, signals: Signals) -> Levels:
        return self.levels.with_step(signals.gaps, self.settings.decay, self.warm_up)

    def weights(self, signals: Signals) -> Tensor:
        gaps = self._after(signals).gaps
        nadir = self.levels.early(self.warm_up)
        return log_loss_weights(relative(gaps, nadir).log() / self.settings.mu, gaps)

    def observe(self, signals: Signals) -> None:
        self.levels = self._after(signals)
