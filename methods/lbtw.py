"""LBTW: tasks weigh by how much of their first loss is left, so that those that learn fast stop dominating.

Source     Liu et al. 2019, Loss-Balanced Task Weighting to Reduce Negative Transfer in Multi-Task Learning (AAAI 2019)
Differs    the reward gap in place of the loss; the first loss is the mean gap of the first steps, a share of the run,
           where the paper takes the first batch of every epoch; L is an exponential mean over steps, with `decay` 0 as
           published; weights are normalised to sum 1; a task whose early level is 0 counts as unchanged
Costs      nothing beyond a plain step
Formula    w_k prop (L_k / L_k^early)^alpha

w_k is proportional to (L_k / L_k early)^alpha, and is 1/K before the early level is known.
"""

from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Levels, part_of_run, relative


class LBTWSettings(Settings):
    alpha: float = setting(0.5, low=0.0, high=10.0, search=(0.1, 2.0), doc="0 weighs all tasks alike")
    warm_up: float = setting(0.1, low=0.0, high=0.5, search=(0.02, 0.3), doc="share of the run that sets the level")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class LBTW(LossWeighting):
    name = "lbtw"
    version = 1
    Settings = LBTWSettings
    state = ("levels",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps)
        self.levels = Levels.none(run.tasks)

    def _after(self, signals: Signals) -> Levels:
        return self.levels.with_step(signals.gaps, self.settings.decay, self.warm_up)

    def weights(self, signals: Signals) -> Tensor:
        left = relative(self._after(signals).gaps, self.levels.early(self.warm_up))
        logits: Tensor = self.settings.alpha * left.log()  # a task with nothing left has weight 0, if others have more
        return logits.clamp(min=-1e3).softmax(dim=0)

    def observe(self, signals: Signals) -> None:
        self.levels = self._after(signals)
