"""DoReMi: find shares of the prompts that serve the task furthest behind a reference model, then train with them.

Source     Xie et al. 2023, arXiv 2305.10429, Algorithm 1; step 1 and smoothing 1e-3 as in the paper
Differs    reference, proxy and final model are the same model, trained from the same start for parts of one budget,
           where the paper has a small proxy; the reward gap in place of the token losses; the reference's gap is the
           mean of the last quarter of its steps, and the excess is clipped at 0 for the task, not for each token;
           weights are shares of the proxy's prompts, where the paper weighs its losses
Costs      half of the budget by default, for a reference and a proxy that are thrown away; two more warm-ups
Formula    p_k prop p_k exp(eta max(L_k - L_k^ref, 0)) ; p <- (1 - c) p + c / K

The proxy's shares: p_k <- p_k exp(step max(L_k - L_k ref, 0)), normalised, p <- (1 - smoothing) p + smoothing / K. The
final model is trained on their mean.
"""

import torch
from torch import Tensor

from methods import RunPlan, Settings, Signals, Stages, setting
from methods._specialists import trained
from methods._weights import equal


class DoReMiSettings(Settings):
    step: float = setting(1.0, low=0.0, high=100.0, log=True, search=(0.1, 10.0), doc="of the exponentiated gradient")
    smoothing: float = setting(1e-3, low=0.0, high=1.0, log=True, search=(1e-4, 0.1), doc="pull towards equal shares")
    reference: float = setting(0.25, low=0.0, high=0.5, search=(0.1, 0.3), doc="share of the budget for the reference")
    proxy: float = setting(0.25, low=0.0, high=0.5, search=(0.1, 0.3), doc="share of the budget for the proxy")


class DoReMi(RunPlan):
    name = "doremi"
    version = 1
    Settings = DoReMiSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        start = stages.parameters()
        steps = int(stages.left)
        first = round(self.settings.reference * steps)
        second = round(self.settings.proxy * steps)

        shares = equal(self.run.tasks)
        if min(first, second, steps - first - second) > 0:
            seen = stages.train(first, lambda step: equal(len(shares)))
            last = torch.stack([signals.gaps for signals in seen[-max(first // 4, 1) :]])
            shares = self.proxy(stages, start, second, last.nanmean(dim=0).nan_to_num(0.0))
        return trained(stages, start, int(stages.left + 0.5), shares)

    def proxy(self, stages: Stages, start: Tensor, steps: int, best: Tensor) -> Tensor:
        """The mean shares, [K], that a proxy from `start` is given; best: gaps of the reference, [K]."""
        shares = equal(len(best))
        total = torch.zeros_like(best)

        def ascend(signals: Signals) -> None:
            nonlocal shares, total
            excess = (signals.gaps - best).clamp(min=0).nan_to_num(0.0)
            moved = (shares.log() + self.settings.step * excess).softmax(dim=0)
            shares = (1 - self.settings.smoothing) * moved + self.settings.smoothing / len(best)
            total = total + shares

        stages.load(start)
        stages.train(steps, lambda step: shares, observe=ascend)
        return total / total.sum()
