"""MT-GRPO: learned weights turn to tasks whose reward is low and does not improve.

Source     Ramesh et al. 2026, arXiv 2602.05547, the task weights
Differs    the weights weigh the task losses, where the paper keeps to them by sampling and filtering prompts; the
           improvement is that of the mean reward over fresh prompts, an exponential mean, where the authors' code
           takes that of the surrogate on the same batch; the mean begins with its first value; Adam has its weight
           decay in the gradient, as in that code; 1 - loss is the reward in SFT
Costs      nothing beyond a plain step
Formula    z = softmax(xi) ; s_k = clip(J_k - J_k^before, c) + lambda J_k ; xi <- Adam(xi, nabla_xi sum_k z_k s_k)

z = softmax(xi). With J the mean reward, s_k = clip(J_k - J_k before, +-clip) + level J_k, and xi takes a step of
Adam that lowers sum_k z_k s_k, before z is used.
"""

from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._improvement import after_step
from methods._weights import Logits, unknown


class MTGRPOSettings(Settings):
    level: float = setting(
        0.2, low=0.0, high=1e3, search=(0.0, 1.2), doc="lambda: 0 evens improvement, larger turns to the worst reward"
    )
    clip: float = setting(0.2, low=0.0, high=1.0, search=(0.05, 0.5), doc="largest improvement of a step that counts")
    rate: float = setting(0.025, low=0.0, high=1.0, log=True, search=(0.003, 0.3), doc="Adam's learning rate of xi")
    weight_decay: float = setting(1e-5, low=0.0, high=1.0, log=True, search=(1e-5, 1e-2), doc="pulls xi to 0")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean reward")


class MTGRPO(LossWeighting):
    name = "mt_grpo"
    version = 1
    Settings = MTGRPOSettings
    state = ("rewards", "logits")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.rewards = unknown(run.tasks)
        self.logits = Logits.zeros(run.tasks)

    def _after(self, signals: Signals) -> tuple[Tensor, Logits]:
        chosen = self.settings
        return after_step(
            self.rewards,
            self.logits,
            signals,
            level=chosen.level,
            clip=chosen.clip,
            decay=chosen.decay,
            rate=chosen.rate,
            weight_decay=chosen.weight_decay,
        )

    def weights(self, signals: Signals) -> Tensor:
        return self._after(signals)[1].shares

    def observe(self, signals: Signals) -> None:
        self.rewards, self.logits = self._after(signals)
