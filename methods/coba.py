"""CoBa: weights turn to tasks that converge slowly, until the worst task diverges, and then away from those that do.

Source     Gong et al. 2024, arXiv 2410.06741, as in the authors' code (MFTCoder, compute_per_task_weight)
Differs    from the paper's formula, w = DF RCS + (1 - DF) ACS, where that code does: DF is not cut at 1; the sum goes
           through a softmax once more; and a weight below 1/(10 K) is raised. From the code: the validation loss is
           that of a fresh batch of kept rows in SFT; GRPO has none, and takes the reward gap of the step's own prompts:
           they are fresh and rewarded before the update, so it is unbiased; L(0) is the mean of L over the warm-up, as
           one step's is noise, or 1 where that is 0; warm-up and window are shares of the run, up to the paper's 100
           and 200 steps; slopes below rounding are 0
Costs      in SFT one forward pass over a validation batch as large as the training batch, a step; in GRPO nothing
           beyond a plain step
Formula    w = softmax(K (DF RCS + (1 - DF) ACS)) ; RCS_k = softmax_k((K a_k) / (sum_j abs(a_j))) ; ACS_k =
           softmax_k((-N a_k) / (sum_s abs(a_k(s))))

a_k is the least-squares slope of L_k / L_k(0) over the window, a_max that of its maximum over the tasks.
  RCS_k = softmax_k(K a_k / sum_j |a_j|)
  ACS_k = softmax_k(-N a_k / sum_s |a_k(s)|), s over the last N slopes, N at most the window
  DF = T softmax_s(-tau T a_max(s) / sum_s |a_max(s)|) at the last s, over all T slopes; it may exceed 1
  w = softmax(K (DF RCS + (1 - DF) ACS)), moved a tenth of the way to 1/K if a weight is below 1/(10 K)
"""

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import equal, mean_of, part_of_run, tallied

ROUNDING = torch.finfo(torch.float64).eps


class CoBaSettings(Settings):
    tau: float = setting(5.0, low=0.0, high=100.0, search=(1.0, 10.0), doc="how fast DF falls when a task diverges")
    warm_up: float = setting(0.15, low=0.0, high=1.0, search=(0.05, 0.3), doc="share of the run with equal weights")
    window: float = setting(0.3, low=0.0, high=1.0, search=(0.1, 0.6), doc="share of the run that slopes look back")


class CoBa(LossWeighting):
    name = "coba"
    version = 2
    Settings = CoBaSettings
    needs = frozenset({"validation_loss"})
    state = ("steps", "sums", "gaps", "slopes", "worst")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.warm_up = part_of_run(self.settings.warm_up, run.steps, least=1, most=100)
        self.window = part_of_run(self.settings.window, run.steps, least=2, most=200)
        self.steps = 0
        self.sums = torch.zeros(2, run.tasks, dtype=torch.float64)
        self.gaps = self.slopes = torch.zeros(0, run.tasks, dtype=torch.float64)  # of the window's steps, [N, K]
        self.worst = torch.zeros(0, dtype=torch.float64)  # a_max of all steps since the warm-up, [T]

    def _after(self, signals: Signals) -> tuple[Tensor, Tensor, Tensor]:
        """Gaps, slopes and a_max with this step's."""
        gaps = torch.cat([self.gaps, left(signals)[None]])[-self.window :]
        if self.steps < self.warm_up:
            return gaps, self.slopes, self.worst

        start = mean_of(self.sums)
        ratios = gaps / torch.where(start > 0, start, 1.0)
        highest = ratios.nan_to_num(float("-inf")).amax(dim=1)
        highest = highest.masked_fill(highest.isinf(), float("nan"))

        slopes = torch.cat([self.slopes, slope(ratios)[None]])[-self.window :]
        return gaps, slopes, torch.cat([self.worst, slope(highest[:, None])])

    def weights(self, signals: Signals) -> Tensor:
        _, slopes, worst = self._after(signals)
        return convergence_weights(slopes, worst, self.settings.tau) if len(worst) else equal(len(signals.losses))

    def observe(self, signals: Signals) -> None:
        self.gaps, self.slopes, self.worst = self._after(signals)
        if self.steps < self.warm_up:
            self.sums = tallied(self.sums, left(signals))
        self.steps += 1


def left(signals: Signals) -> Tensor:
    """L_k of a step, [K]: the validation loss, or the reward gap where there is none."""
    return signals.gaps if signals.validation_losses is None else signals.validation_losses


def slope(rows: Tensor) -> Tensor:
    """Least-squares slope of each column of [N, K] over the rows that are not NaN; 0 with fewer than two."""
    time = torch.arange(len(rows), dtype=torch.float64)[:, None].where(~rows.isnan(), float("nan"))
    time = time - time.nanmean(dim=0)
    rise = (time * rows).nansum(dim=0)
    noise = len(rows) * ROUNDING * (time * rows).abs().nansum(dim=0)
    return torch.where(rise.abs() > noise, rise / time.square().nansum(dim=0), 0.0)


def convergence_weights(slopes: Tensor, worst: Tensor, tau: float) -> Tensor:
    """Weights [K] from the slopes of the window, [N, K], and a_max of all steps, [T]; the last are this step's."""
    count, tasks = slopes.shape
    relative = (tasks * parts(slopes[-1])).softmax(dim=0)
    absolute = (-count * parts(slopes)[-1]).softmax(dim=0)
    factor = len(worst) * (-tau * len(worst) * parts(worst)).softmax(dim=0)[-1]
    weights = (tasks * (factor * relative + (1 - factor) * absolute)).softmax(dim=0)
    return 0.9 * weights + 0.1 / tasks if weights.min() < 0.1 / tasks else weights


def parts(values: Tensor) -> Tensor:
    """Entries over the sum of sizes along the first dimension; zeros stay zeros."""
    return values / values.abs().sum(dim=0).clamp(min=torch.finfo(torch.float64).tiny)
