"""IGB: log losses are weighed by how much of each loss is left, compared with an early level of its own.

Source     Dai et al. 2023, arXiv 2307.15429, IGBv1
Differs    the reward gap in place of the loss, in the gradient as well; the early level is the mean gap of the first
           steps, a share of the run, where the authors' code takes the second epoch; weights of the gradients are
           normalised to sum 1, where the paper's z sum to K; L is an exponential mean over steps, with `decay` 0 as
           published; a task whose gap is 0 gets weight 0; one whose early level is 0 counts as unchanged
Costs      nothing beyond a plain step
Formula    L = sum_k z_k log L_k ; z = softmax(L / L^early)

The loss is sum_k z_k log L_k with z = softmax(L / L_early), and 1/K before the early level is known, so that the
weight of task k's gradient is proportional to z_k / L_k.
"""

from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Levels, log_loss_weights, part_of_run, relative


class IGBSettings(Settings):
    warm_up: float = setting(0.1, low=0.0, high=0.5, search=(0.02, 0.3), doc="share of the run that sets the level")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class IGB(LossWeighting):
    name = "igb"
    version = 1
    Settings = IGBSettings
    state = ("levels",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps)
        self.levels = Levels.none(run.tasks)

    def _after(self, signals: Signals) -> Levels:
        return self.levels.with_step(signals.gaps, self.settings.decay, self.warm_up)

    def weights(self, signals: Signals) -> Tensor:
        gaps = self._after(signals).gaps
        return log_loss_weights(relative(gaps, self.levels.early(self.warm_up)), gaps)

    def observe(self, signals: Signals) -> None:
        self.levels = self._after(signals)
