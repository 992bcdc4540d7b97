"""RLW: loss weights are drawn anew in every step, the test that a weighting must pass to be worth its trouble.

Source     Lin et al. 2022, arXiv 2111.10603
Differs    weights sum to 1; the reference code scales them to sum K
Costs      nothing beyond a plain step
Formula    w = softmax(x), x ~ N(0, I)

w = softmax(x), x ~ N(0, I).
"""

import torch
from torch import Tensor

from methods import LossWeighting, Signals


class RLW(LossWeighting):
    name = "rlw"
    version = 1

    def weights(self, signals: Signals) -> Tensor:
        return torch.randn(len(signals.losses), dtype=torch.float64, generator=self.generator).softmax(dim=0)
