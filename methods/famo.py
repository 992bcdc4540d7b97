"""FAMO: weights of log losses are learned so that the loss which falls least, relative to itself, falls faster.

Source     Liu et al. 2023, arXiv 2306.03792
Differs    the reward gap in place of the loss, in the gradient as well; under GRPO its fall is taken from the step to
           the next, on fresh prompts, where the paper passes the same batch again after the update, as is done in SFT:
           with a few prompts a task that fall is mostly noise, so that the logits stay near 0 and the method near GLS;
           L is an exponential mean over steps, with `decay` 0 as published; no floor under the logarithm: a task whose
           gap is 0 gets weight 0 and has no say in the logits; the least loss is 0
Costs      in SFT a second forward pass over the step's batch; under GRPO nothing beyond a plain step
Formula    z = softmax(xi) ; d prop sum_k z_k (nabla L_k) / L_k ; xi <- Adam(xi, nabla_xi sum_k z_k (log L_k - log
           L_k^after))

z = softmax(xi). The update follows sum_k z_k grad L_k / L_k, scaled so that the weights sum to 1. Then xi takes a
step of Adam, with weight decay in the gradient, that lowers sum_k z_k (log L_k - log L_k after the update).
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import Logits, log_loss_weights, smoothed, unknown


class FAMOSettings(Settings):
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate of xi")
    weight_decay: float = setting(1e-3, low=0.0, high=1.0, log=True, search=(1e-4, 1e-1), doc="gamma; pulls xi to 0")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class FAMO(LossWeighting):
    name = "famo"
    version = 2
    Settings = FAMOSettings
    needs = frozenset({"second_forward"})
    state = ("gaps", "last", "looked_back", "logits")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.gaps = unknown(run.tasks)
        self.last = unknown(run.tasks)
        self.looked_back = False
        self.logits = Logits.zeros(run.tasks)

    def _after(self, signals: Signals) -> tuple[Tensor, Logits]:
        gaps = smoothed(self.gaps, signals.gaps, self.settings.decay)
        if self.looked_back:  # the logits have moved when the optimizer stepped
            return gaps, self.logits
        fall = torch.where(signals.gaps.isnan(), torch.nan, self.gaps.log() - gaps.log())
        return gaps, self._moved(fall)

    def _moved(self, fall: Tensor) -> Logits:
        """The logits after a fall of the log losses, [K]; one that is not finite has no say."""
        fall = torch.where(fall.isfinite(), fall, torch.nan)
        return self.logits.lowered(fall, self.settings.rate, self.settings.weight_decay)

    def weights(self, signals: Signals) -> Tensor:
        gaps, logits = self._after(signals)
        return log_loss_weights(logits.value, gaps)

    def observe(self, signals: Signals) -> None:
        self.gaps, self.logits = self._after(signals)
        self.last = signals.gaps

    def updated(self, losses: Tensor) -> None:
        self.looked_back = True
        self.logits = self._moved(self.last.log() - losses.clamp(min=0).log())
