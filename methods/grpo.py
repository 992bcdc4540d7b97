"""GRPO: advantages normalised by the group's deviation, and every completion counts the same.

Source     Shao et al. 2024, arXiv 2402.03300, equation 3: each completion's loss is its mean over tokens
Differs    nothing: it is the trainer's own loss, as a named reference point
Costs      nothing beyond a plain step
Formula    A_i = (r_i - mean(r)) / (std(r)) ; w_i = 1 / abs(o_i)
"""

from methods import SampleWeighting


class GRPO(SampleWeighting):
    name = "grpo"
    version = 1
