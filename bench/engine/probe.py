"""The probe: what every step leaves for the record. Gradients are never kept, only what they say."""

import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from bench.engine.gradients import norm_of
from bench.records.schema import OPTIONAL_CURVES, Curves
from bench.records.windows import PER_RUN, window_ends
from methods import Signals

DIGITS = 4
"""Significant digits of a stored number: far below the noise of any of these signals."""


class Probe:
    """Collects signals step by step, in the method's blind order; gives curves in the suite's order."""

    def __init__(self) -> None:
        self._steps: list[dict[str, list[float]]] = []

    def add(self, signals: Signals, weights: Tensor, update_norm: float, clipped: bool) -> None:
        """Note one step. weights: [K], realised weights of the task gradients; update_norm: both before clipping."""
        row, column = torch.triu_indices(len(weights), len(weights), offset=1)
        self._steps.append(
            {
                "squared_norm": signals.cross_gramian.diagonal().tolist(),
                "naive_squared_norm": signals.gramian.matrix.diagonal().clamp(min=0).tolist(),
                "gramian": signals.gramian.matrix[row, column].tolist(),
                "weights": weights.tolist(),
                "reward": signals.rewards.tolist(),
                "mean_abs_advantage": signals.mean_abs_advantage.tolist(),
                "prompt_length": signals.prompt_lengths.tolist(),
                "reply_length": signals.lengths.tolist(),
                "silent": signals.silent.tolist(),
                "task_share": signals.shares.tolist(),
                "update_norm": [update_norm],
                "clipped": [float(clipped)],
                "plain_norm": [norm_of(signals.shares, signals.gramian.matrix)],
                # Until `amend` says more. A run that fails before it does still has a whole step.
                "intended_share": signals.shares.tolist(),
                "gradient_cosine": [math.nan],
                "move_cosine": [math.nan],
            }
        )

    def amend(self, intended: Tensor, gradient_cosine: float, move_cosine: float) -> None:
        """Add to the last step: intended shares of the prompts, [K], and the cosines to the plain mean."""
        self._steps[-1] |= {
            "intended_share": intended.tolist(),
            "gradient_cosine": [gradient_cosine],
            "move_cosine": [move_cosine],
        }

    def state_dict(self) -> dict[str, Tensor]:
        """All steps, [T, ...] float64 a signal."""
        names = self._steps[0] if self._steps else ()
        return {name: torch.tensor([step[name] for step in self._steps], dtype=torch.float64) for name in names}

    def load_state_dict(self, saved: Mapping[str, Tensor]) -> None:
        """Go on from a saved state."""
        rows = {name: values.tolist() for name, values in saved.items()}
        self._steps = [dict(zip(rows, row, strict=True)) for row in zip(*rows.values(), strict=True)]

    def curves(self, order: Sequence[int]) -> Curves:
        """Window means over at most MAX_POINTS windows. order: blind position i holds suite task order[i]."""
        windows = self._windows()
        place = {task: position for position, task in enumerate(order)}
        positions = [place[task] for task in range(len(order))]

        means = [{name: self._mean(name, start, end) for name in self._names()} for start, end in windows]
        data: dict[str, Any] = {"steps": [end for _, end in windows]}
        for name in self._names():
            data[name] = [self._arranged(name, mean[name], positions) for mean in means]
        return Curves.model_validate(data)

    def signal_to_noise(self, order: Sequence[int]) -> list[float | None]:
        """Each task's ratio over all steps, in the suite's order; see `Record.signal_to_noise`."""
        found = [self._ratio(task) for task in range(len(order))]
        return [found[order.index(task)] for task in range(len(order))] if self._steps else []

    def _ratio(self, task: int) -> float | None:
        """Of the task at a blind position. Steps without two halves have no estimate of the signal and are left out."""
        pairs = [(step["squared_norm"][task], step["naive_squared_norm"][task]) for step in self._steps]
        known = [(signal, naive) for signal, naive in pairs if not math.isnan(signal)]
        signal = math.fsum(each for each, _ in known)
        noise = math.fsum(naive for _, naive in known) - signal
        return float(f"{signal / noise:.{DIGITS}g}") if noise > 0 else None

    def _names(self) -> list[str]:
        names = [name for name in Curves.model_fields if name != "steps"]
        return [name for name in names if name not in OPTIONAL_CURVES or all(name in step for step in self._steps)]

    def _windows(self) -> list[tuple[int, int]]:
        count = len(self._steps)
        numbers = sum(len(values) for values in self._steps[0].values()) if count else 1
        return list(itertools.pairwise([0, *window_ends(count, numbers)]))

    def _mean(self, name: str, start: int, end: int) -> list[float | None]:
        """Mean of each entry over the steps in which it is a number; None if it never was."""
        columns = zip(*(step[name] for step in self._steps[start:end]), strict=True)
        known = [[value for value in column if not math.isnan(value)] for column in columns]
        return [float(f"{sum(v) / len(v):.{DIGITS}g}") if v else None for v in known]

    def _arranged(self, name: str, values: list[float | None], positions: Sequence[int]) -> Any:
        if name in PER_RUN:
            return values[0]
        if name == "gramian":
            return self._arranged_pairs(values, positions)
        return [values[position] for position in positions]

    def _arranged_pairs(self, values: list[float | None], positions: Sequence[int]) -> list[float | None]:
        count = len(positions)
        matrix: dict[tuple[int, int], float | None] = {}
        pairs = [(i, j) for i in range(count) for j in range(i + 1, count)]
        for (i, j), value in zip(pairs, values, strict=True):
            matrix[i, j] = matrix[j, i] = value
        return [matrix[positions[i], positions[j]] for i, j in pairs]
