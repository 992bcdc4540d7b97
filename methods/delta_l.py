"""Delta L normalisation: completions weigh by a power of their length, for an update of little variance.

Source     He et al. 2025, arXiv 2509.07558
Differs    the constant before the sum, which the paper leaves open, is 1 / (mean length in the run's first step): there
           equal lengths give GRPO's update
Costs      nothing beyond a plain step
Formula    d prop sum_i x_i G_i ; x_i = L_i^(-alpha) / (sum_j L_j^(-alpha))

With G_i the gradient of completion i summed over its L_i tokens, the update is the constant times sum_i x_i G_i over
the completions of the step, x_i = L_i^-alpha / sum_j L_j^-alpha. The variance of G_i grows with L_i, so alpha = 1 has
the least variance; alpha = 0 weighs all tokens of a run the same, as Dr. GRPO does. The paper takes 0.75 for math and
1 for Countdown.
"""

from torch import Tensor

from methods import Rollouts, RunInfo, SampleWeighting, Settings, setting


class DeltaLSettings(Settings):
    alpha: float = setting(0.75, low=0.0, high=1.0, search=(0.25, 1.0), doc="1: least variance; 0: no correction")


class DeltaL(SampleWeighting):
    name = "delta_l"
    version = 1
    Settings = DeltaLSettings
    state = ("length",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.length = 0.0

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        lengths = rollouts.lengths.clamp(min=1).to(rollouts.advantages.dtype)
        self.length = self.length or lengths.mean().item()
        powers: Tensor = lengths.pow(-self.settings.alpha)
        # Over their mean, not their sum: the harness takes the mean over completions.
        return powers / powers.mean() / self.length
