"""PCB-Merging: average specialists' task vectors entry by entry, by size and by agreement with the other tasks.

Source     Du et al. 2024, arXiv 2410.02396; the scores of the authors' code, with exp and tanh
Differs    the specialists are trained here, K of them at the budget of one model; adapters are merged as the products B
           A, and folded back to their rank; no search for one scale a task; the outer 0.01 % of sizes are not clipped,
           since AdamW bounds what an entry can move. K equal task vectors t give scale * t in the entries that are
           kept, and 0 elsewhere
Costs      K times the optimizer steps at 1/K of the prompts each; K task vectors in memory, and a few more of them
           while scores are computed
Formula    s_k = exp(K n_k^2) tanh(tau_k sum_j tau_j) ; theta = theta_0 + scale (sum_k w_k tau_k) / (sum_k w_k), w_k =
           ramp(s_k)

Score of entry p of task k: exp(K n_kp^2) tanh(tau_kp sum_j tau_jp), n_k = |tau_k| moved to [0, 1]. Below the first
`share` of a task's scores the weight is 0; above, it rises linearly to 1 at the highest score. theta = theta_0 + scale
* (weighted average of the tau_k). Small task vectors make tanh linear, and then their common scale does not matter.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._merging import pcb
from methods._specialists import merged


class PCBMergingSettings(Settings):
    share: float = setting(
        0.1, low=0.0, high=1.0, search=(0.02, 0.5), doc="share of a task vector's entries that is kept; at least one"
    )
    scale: float = setting(1.2, low=0.0, high=4.0, search=(0.8, 2.0), doc="factor on the merged task vector")


class PCBMerging(RunPlan):
    name = "pcb_merging"
    version = 2
    Settings = PCBMergingSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        return merged(stages, self.run.tasks, self.settings.scale, lambda vectors, _: pcb(vectors, self.settings.share))
