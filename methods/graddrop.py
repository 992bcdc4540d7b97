"""GradDrop: at every coordinate draw a sign, by how pure it is, and drop the task gradients of the other sign.

Source     Chen et al. 2020, arXiv 2010.06808, equations 1 and 2, Algorithm 1
Differs    masks the gradients of parameters where the paper masks those of an activation layer, multiplied by the
           sign of the activation and summed over the batch; averages where the paper sums (our scale convention);
           one leak for all tasks
Costs      P uniform draws and a pass over the gradients; no extra backward pass
Conflicts  in 100 % of strongly conflicting gradients
Formula    P = 1/2 (1 + (sum_k g_k) / (sum_k abs(g_k))) ; d = 1/K sum_k max(g_k, 0) if U < P, else 1/K sum_k min(g_k, 0)

With S+ and S- the sums of the positive and of the negative entries at a coordinate, the purity is
P = (1 + sum g / sum |g|) / 2 = S+ / (S+ - S-). A uniform U < P keeps S+, any other keeps S-. A leak l adds
l times what was dropped.
"""

import torch
from torch import Tensor

from methods import GradientCombination, Layout, Settings, Signals, setting
from methods._columns import chunks, wide


class GradDropSettings(Settings):
    leak: float = setting(0.0, low=0.0, high=1.0, search=(0.0, 0.5), doc="share of the other sign that stays; 1: mean")


class GradDrop(GradientCombination):
    name = "graddrop"
    version = 1
    Settings = GradDropSettings

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        direction = torch.empty_like(gradients[0])
        for columns in chunks(gradients):
            rows = gradients[:, columns].to(wide(gradients.dtype))
            positive = rows.clamp(min=0).sum(dim=0)
            negative = rows.clamp(max=0).sum(dim=0)

            draw = torch.empty(len(positive)).uniform_(generator=self.generator).to(rows.device)
            # U < P without the division, and so that agreement (P = 1 or P = 0) leaves nothing to rounding
            kept = torch.where(draw * (positive - negative) < positive, positive, negative)
            direction[columns] = kept.lerp(positive + negative, self.settings.leak) / len(rows)
        return direction
