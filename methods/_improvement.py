"""MT-GRPO's task weights, which two methods use: logits that turn to tasks whose reward is low and does not improve."""

import torch
from torch import Tensor

from methods import Signals
from methods._weights import Logits, smoothed


def after_step(
    rewards: Tensor,
    logits: Logits,
    signals: Signals,
    *,
    level: float,
    clip: float,
    decay: float,
    rate: float,
    weight_decay: float,
) -> tuple[Tensor, Logits]:
    """Mean rewards [K] and logits after one more step (arXiv 2602.05547).

    With J the mean reward, s_k = clip(J_k - J_k before, +-clip) + level J_k, and Adam lowers sum_k z_k s_k by `rate`.
    decay: memory of the mean reward; a task without prompts has no say.
    """
    fresh = smoothed(rewards, 1 - signals.gaps, decay)
    score = (fresh - rewards).clamp(-clip, clip) + level * fresh
    score = torch.where(signals.gaps.isnan(), signals.gaps, score)
    return fresh, logits.lowered(score, rate, weight_decay)
