"""Dr. GRPO: GRPO without its two divisions, by the group's deviation and by the completion's length.

Source     Liu et al. 2025, arXiv 2503.20783, section 3.2
Differs    nothing; the constant that the paper leaves open is the longest reply the suite allows
Costs      nothing beyond a plain step
Formula    A_i = r_i - 1/G sum_j r_j ; w_i = 1 / T_max
"""

import torch
from torch import Tensor

from methods import Rollouts, SampleWeighting
from methods._advantages import centred


class DrGRPO(SampleWeighting):
    name = "dr_grpo"
    version = 1

    def advantages(self, rollouts: Rollouts) -> Tensor:
        return centred(rollouts).to(rollouts.advantages.dtype)

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        assert self.run is not None
        return torch.full_like(rollouts.advantages, 1 / self.run.reply_tokens)
