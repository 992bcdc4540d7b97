"""MOPD: train a specialist for each task, then distil all of them into one student, on the student's own completions.

Source     Ma et al. 2026, arXiv 2606.30406 (ICML 2026), from a secondary description: its abstract and introduction
Differs    the specialists are trained here, K of them at the budget of one model, for half of the run by default; the
           divergence is estimated from the sampled tokens alone, one sample a token, without the verifier's reward;
           each completion counts the same; prompts are shared out equally
Costs      the distillation's steps sample as any other and make two more forward passes, the student's and its task's
           teacher's; K + 1 models in memory; K + 1 more warm-ups
Formula    A_t = log p_k(y_t) - log p_theta(y_t)

A completion y of a prompt of task k is weighed at every token by log p_k(y_t) - log p(y_t), with p_k the specialist and
p the student that sampled it: the policy gradient of the reverse KL divergence of the next token.
"""

from torch import Tensor

from methods import RunPlan, Settings, Stages, setting
from methods._specialists import specialists, trained
from methods._weights import equal


class MOPDSettings(Settings):
    first: float = setting(0.5, low=0.0, high=1.0, search=(0.3, 0.8), doc="share of the budget for the specialists")


class MOPD(RunPlan):
    name = "mopd"
    version = 1
    Settings = MOPDSettings
    needs = frozenset({"rollouts", "extra_forward"})

    def execute(self, stages: Stages) -> Tensor:
        assert self.run is not None
        start = stages.parameters()
        steps = int(stages.left)
        shares = equal(self.run.tasks)

        first = min(round(self.settings.first * steps), steps - 1)
        if first < 1:
            return trained(stages, start, steps, shares)

        teachers = specialists(stages, self.run.tasks, first)
        stages.load(start)
        stages.distil(steps - first, teachers, lambda step: shares)
        return stages.parameters()
