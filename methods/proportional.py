"""Proportional: every task gets prompts in proportion to its training rows.

Source     examples-proportional mixing; Raffel et al. 2020, arXiv 1910.10683, section 3.5.2
Differs    no artificial limit on the size of a task
Costs      nothing beyond a plain step
Formula    p_k = n_k / (sum_j n_j)

Where all tasks have the same number of rows this is `uniform`.
"""

from torch import Tensor

from methods import TaskSampling


class Proportional(TaskSampling):
    name = "proportional"
    version = 1

    def proportions(self) -> Tensor:
        assert self.run is not None
        sizes = self.run.sizes.double()
        return sizes / sizes.sum()
