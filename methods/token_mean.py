"""Token mean: every token of the step counts the same, so long completions and wordy tasks count more.

Source     Yu et al. 2025 (DAPO), arXiv 2503.14476, section 3.3, token-level loss
Differs    the mean is over the step's tokens, where the paper writes it for one prompt group; nothing else of DAPO:
           no dynamic sampling, no raised clip, no length penalty
Costs      nothing beyond a plain step
Formula    L = (sum_i sum_t l_(i,t)) / (sum_i abs(o_i))

A token's weight is 1 / (mean length of all completions of the step), so that the tasks' mean losses, weighted with
their shares of the prompts, add up to the mean over all tokens.
"""

import torch
from torch import Tensor

from methods import Rollouts, SampleWeighting


class TokenMean(SampleWeighting):
    name = "token_mean"
    version = 1

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        lengths = rollouts.lengths.clamp(min=1).to(rollouts.advantages.dtype)
        return torch.ones_like(lengths) / lengths.mean()
