"""TAC: prompts go to tasks with large advantages whose gradients agree with those of the others.

Source     Yang et al. 2026, arXiv 2606.25178, from a secondary description: the abstract, and the score as others quote
           it
Differs    cosines are those of whole gradients, where the paper projects them at random; score and cosines are
           exponential means over steps; rate and temperature are those of `sec`, the bandit that it extends; prompts
           follow the shares exactly, where the paper draws them; a task without a gradient has the cosine 0
Costs      nothing beyond a plain step: the cosines are measured anyway
Formula    p = softmax(Q / tau) ; Q_k <- (1 - eta) Q_k + eta bar(abs(A))_k (1 + alpha mean_(j != k) cos(g_k, g_j))

score_k = mean |A|_k (1 + alpha mean_{j != k} cos(g_k, g_j)), Q_k <- (1 - rate) Q_k + rate score_k from Q_k = 0; shares
are softmax(Q / temperature).
"""

import torch
from torch import Tensor

from methods import RunInfo, Settings, Signals, TaskSampling, setting


class TACSettings(Settings):
    alpha: float = setting(1.0, low=0.0, high=100.0, search=(0.2, 5.0), doc="say of the cosines; 0: SEC")
    rate: float = setting(0.5, low=0.0, high=1.0, search=(0.1, 0.9), doc="weight of the newest step in Q")
    temperature: float = setting(
        0.2, low=0.01, high=100.0, search=(0.1, 1.0), log=True, doc="of the softmax; larger: nearer to equal shares"
    )


class TAC(TaskSampling):
    name = "tac"
    version = 1
    Settings = TACSettings
    needs = frozenset({"gramian"})
    state = ("value",)

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.value = torch.zeros(run.tasks, dtype=torch.float64)

    def observe(self, signals: Signals) -> None:
        cosines = signals.gramian.cosines.fill_diagonal_(0)
        transfer = cosines.sum(dim=1) / max(len(cosines) - 1, 1)
        score = signals.mean_abs_advantage * (1 + self.settings.alpha * transfer)
        moved = (1 - self.settings.rate) * self.value + self.settings.rate * score
        self.value = torch.where(score.isnan(), self.value, moved)

    def proportions(self) -> Tensor:
        shares: Tensor = (self.value / self.settings.temperature).softmax(dim=0)
        return shares
