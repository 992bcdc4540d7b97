"""Static weights: a fixed weight a task, the scalarisation that every dynamic method must beat.

Source     linear scalarisation; Kurin et al. 2022, arXiv 2201.04122
Differs    weights are normalised to sum 1, so only their ratios matter
Costs      nothing beyond a plain step
Formula    L = sum_k w_k L_k, sum_k w_k = 1
"""

import torch
from pydantic import field_validator
from torch import Tensor

from methods import LossWeighting, Settings, Signals, setting


class StaticSettings(Settings):
    weights: tuple[float, ...] = setting(
        (),
        low=0.0,
        high=1e6,
        per_task=True,
        search=(0.05, 20.0),
        log=True,
        doc="weight of each task, in the suite's task order; empty: equal weights",
    )

    @field_validator("weights")
    @classmethod
    def _some_task_counts(cls, weights: tuple[float, ...]) -> tuple[float, ...]:
        if weights and not any(weights):
            raise ValueError("at least one weight must be positive")
        return weights


class Static(LossWeighting):
    name = "static"
    version = 1
    Settings = StaticSettings

    def weights(self, signals: Signals) -> Tensor:
        count = len(signals.losses)
        weights = torch.tensor(self.settings.weights or (1.0,) * count, dtype=torch.float64)
        return weights / weights.sum()
