"""What methods that make advantages of their own share."""

import torch
from torch import Tensor

from methods import Rollouts


def centred(rollouts: Rollouts) -> Tensor:
    """Rewards less the mean of their group, [N] float64; 0 where the trainer sees no advantage.

    The mean of equal rewards may differ from them by rounding, and that must not become an advantage.
    """
    rewards = rollouts.rewards.double()
    _, place, count = torch.unique(rollouts.group, return_inverse=True, return_counts=True)
    mean = rewards.new_zeros(len(count)).index_add(0, place, rewards) / count
    return torch.where(rollouts.advantages == 0, 0, rewards - mean[place])
