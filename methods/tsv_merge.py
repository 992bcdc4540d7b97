"""TSV-Merge: of specialists' updates of each matrix, keep the first singular vectors, made orthogonal across tasks.

Source     Gargiulo et al. 2025, arXiv 2412.00081, Algorithm 1 (TSV-Merge)
Differs    the specialists are trained here, K of them at the budget of one model; adapters are merged as the products B
           A, and folded back to their rank; at least one triplet a task where the reference code takes none (matrices
           narrower than K); singular vectors of the value 0 are left out; directions that tasks share exactly count
           once, where the reference code completes them with arbitrary ones. K equal task vectors t give the first 1/K
           of the singular triplets of t
Costs      K times the optimizer steps at 1/K of the prompts each; K task vectors in memory; K + 2 singular value
           decompositions of every matrix
Formula    theta = theta_0 + scale U_o diag(s) V_o^T ; U_o = P Q^T for U = P D Q^T

Per matrix of r singular values: the first r/K triplets of each task are joined to U, s, V. With the decomposition
U = P D Q', U_o = P Q' is the nearest matrix of orthonormal columns; V_o likewise. theta = theta_0 + scale *
U_o diag(s) V_o'. Tensors that are not matrices are averaged.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._merging import tsv
from methods._specialists import merged


class TSVMergeSettings(Settings):
    scale: float = setting(1.0, low=0.0, high=4.0, search=(0.5, 2.0), doc="factor on the merged task vector")


class TSVMerge(RunPlan):
    name = "tsv_merge"
    version = 2
    Settings = TSVMergeSettings

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        return merged(stages, self.run.tasks, self.settings.scale, tsv)
