"""APT: the momentum of AdamW forgets faster the less a step's direction agrees with it, so that balancing is felt.

Source     Zhou et al. 2026, arXiv 2604.08939, from its abstract and a secondary description: arxivlens.com, which names
           a momentum adapted by cosine similarity between beta_min and beta_max
Differs    the map from cosine to memory, its two ends and the correction for the start are ours; no part for Muon
           (the direction that they preserve for its orthogonalisation is not described there); AdamW is the run's own:
           it is given the gradient after which its first moment is the adaptive one, and its second moment is of that
           gradient; exact as long as `beta` is recipe.adam_beta1 and nothing is clipped
Costs      one inner product; one [P] buffer
Formula    g' = (c_t a_t - beta c_(t-1) a_(t-1)) / (1 - beta) ; c_t = 1 - beta^t ; a_t = (beta_t W_(t-1) a_(t-1) + (1 -
           beta_t) d) / W_t ; W_t = beta_t W_(t-1) + 1 - beta_t ; beta_t = beta_min + (beta_max - beta_min) (1 +
           cos(d, a_(t-1))) / 2

AdamW's first moment after g' is c_t a_t, and its own correction divides by c_t. With beta_min = beta_max = beta,
g' is d.
"""

import torch
from torch import Tensor

from methods import Gramian, Inner, Layout, Passes, RunInfo, Settings, StepWrapper, setting
from methods._columns import gramian


class APTSettings(Settings):
    least: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.8), doc="memory of a direction that is reversed")
    most: float = setting(0.9, low=0.0, high=0.999, search=(0.8, 0.98), doc="memory of a direction that is confirmed")
    beta: float = setting(0.9, low=0.0, high=0.999, doc="recipe.adam_beta1, which this makes up for")


class APT(StepWrapper):
    name = "apt"
    version = 1
    Settings = APTSettings
    needs = frozenset({"gradients"})
    state = ("average", "mass", "age")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.average: Tensor | None = None
        self.mass = 0.0
        self.age = 0

    def combine(self, gradients: Tensor, layout: Layout, inner: Inner, passes: Passes) -> Tensor:
        direction = inner(gradients)
        fresh = direction.to(torch.promote_types(direction.dtype, torch.float32))
        before = torch.zeros_like(fresh) if self.average is None else self.average

        cosine = float(Gramian(gramian(torch.stack([fresh, before]))).cosines[0, 1])
        memory = self.settings.least + (self.settings.most - self.settings.least) * (1 + cosine) / 2
        kept = memory * self.mass
        self.mass = kept + 1 - memory
        self.average = (kept * before + (1 - memory) * fresh) / self.mass

        beta = self.settings.beta
        was, now = 1 - beta**self.age, 1 - beta ** (self.age + 1)
        self.age += 1
        given: Tensor = (now * self.average - beta * was * before) / (1 - beta)
        return given.to(direction.dtype)
