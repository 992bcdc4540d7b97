"""UW: each loss is divided by a learned variance, which settles at the loss itself.

Source     Kendall et al. 2018, arXiv 1705.07115, with s the log variance
Differs    the reward gap in place of the loss; weights are normalised to sum 1, so the total step does not grow as
           losses fall; s is learned by Adam at a rate of its own, 0.025 as in Nash-MTL's code, where the paper has
           the model's optimizer; s begins at 0
Costs      nothing beyond a plain step
Formula    min_(theta, s) sum_k L_k / (2 e^(s_k)) + s_k / 2

s minimises sum_k L_k / (2 e^s_k) + s_k / 2, at rest where e^s = L; the weights are proportional to e^-s. IMTL-L (Liu et
al., ICLR 2021) lowers e^s_k L_k - s_k: the same up to a factor and the sign of s, which Adam does not see, so that with
weights of sum 1 it is this method.
"""

from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Logits

STEEPEST = 100.0
"""Largest -s in the gradient: without it a task that stays solved would overflow after thousands of steps."""


class UWSettings(Settings):
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate of s")


class UW(LossWeighting):
    name = "uw"
    version = 1
    Settings = UWSettings
    state = ("log_variance",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.log_variance = Logits.zeros(run.tasks)

    def observe(self, signals: Signals) -> None:
        precision = (-self.log_variance.value).clamp(max=STEEPEST).exp()
        gradient = (1 - precision * signals.gaps) / 2
        self.log_variance = self.log_variance.stepped(gradient, self.settings.rate)

    def weights(self, signals: Signals) -> Tensor:
        return (-self.log_variance.value).softmax(dim=0)
