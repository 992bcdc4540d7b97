"""GO4Align: tasks of like risk form groups, and share a weight that is larger where losses are, and were, small.

Source     Shen et al. 2024, arXiv 2404.06486 (NeurIPS 2024), equations 3 to 7 and Algorithm 1
Differs    the reward gap in place of the risk, an exponential mean over steps, with `decay` 0 as published; weights are
           normalised to sum 1; groups are the exact optimum of k-means, which in one dimension can be had; beta is
           ours, as the paper picks it on validation data for each data set; a task whose gap is 0 weighs as the one
           with the smallest gap above 0
Costs      nothing beyond a plain step
Formula    w_k = mean_(j in group(k)) gamma_j ; gamma_k = Q_k bar(L) / L_k ; Q_k prop Q_k exp(-beta L_k)

P_k = mean(L) / L_k, Q_k <- Q_k exp(-beta L_k) normalised to sum 1, gamma = P Q; the weight of a task is the mean gamma
of its group, where k-means splits the tasks into groups by gamma.
"""

from itertools import combinations

import torch
from torch import Tensor

from methods import LossWeighting, RunInfo, Settings, Signals, setting
from methods._weights import equal, smoothed, unknown


class GO4AlignSettings(Settings):
    groups: int = setting(2, low=1, high=16, search=(2, 4), doc="number of groups; no more than tasks")
    beta: float = setting(0.01, low=0.0, high=10.0, log=True, search=(0.001, 0.1), doc="say of a step's loss in Q")
    decay: float = setting(0.5, low=0.0, high=0.999, search=(0.0, 0.95), doc="memory of the mean gap; 0: this step's")


class GO4Align(LossWeighting):
    name = "go4align"
    version = 1
    Settings = GO4AlignSettings
    state = ("gaps", "smoothness")

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        self.gaps = unknown(run.tasks)
        self.smoothness = equal(run.tasks).log()

    def _after(self, signals: Signals) -> tuple[Tensor, Tensor]:
        """The mean gaps and log Q, [K] both, with this step's."""
        gaps = smoothed(self.gaps, signals.gaps, self.settings.decay)
        smoothness = self.smoothness - self.settings.beta * signals.gaps.nan_to_num(0.0)
        return gaps, smoothness.log_softmax(dim=0)

    def weights(self, signals: Signals) -> Tensor:
        gaps, smoothness = self._after(signals)
        known = gaps > 0  # NaN is not
        if not known.any():
            return equal(len(gaps))

        risks = torch.where(known, gaps, torch.where(gaps.isnan(), gaps[known].mean(), gaps[known].min()))
        gamma = (risks.mean() / risks).log() + smoothness
        indicators = (gamma - gamma.max()).exp()
        weights = grouped(indicators, min(self.settings.groups, len(gaps)))
        return weights / weights.sum()

    def observe(self, signals: Signals) -> None:
        self.gaps, self.smoothness = self._after(signals)


def grouped(values: Tensor, groups: int) -> Tensor:
    """Every value replaced by its group's mean, [K], for the groups of least squared distance to their means.

    In one dimension these are runs of the sorted values, so that all their cuts can be tried.
    """
    order = values.argsort(stable=True)
    ranked = values[order]
    best, least = torch.full_like(ranked, float(ranked.mean())), float("inf")
    for cuts in combinations(range(1, len(ranked)), groups - 1):
        sizes = torch.tensor([0, *cuts, len(ranked)]).diff().tolist()
        means = [part.mean().expand(len(part)) for part in ranked.split(sizes)]  # type: ignore[no-untyped-call]
        tried = torch.cat(means)
        if (distance := float((ranked - tried).square().sum())) < least:
            best, least = tried, distance

    found = torch.empty_like(values)
    found[order] = best
    return found
