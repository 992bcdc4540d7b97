"""TorchJD: the aggregators of the TorchJD library, unchanged, as peers of the methods here.

Source     TorchJD 0.18.0 (Quinton and Rey 2024, arXiv 2406.16232, and the papers that its documentation names)
Differs    nothing in the answers, also where they are wrong; gradients come in float32; a step in which every gradient
           is zero is not shown to the library. Scale is the library's: K identical gradients give K times that
           gradient from Sum, PCGrad, GradVac, GradDrop and ConFIG, 1.5 times from CAGrad, a vector of length 1 at
           most from NashMTL and of inverse length from FairGrad. What has no default there is the smallest that makes
           sense: CAGrad c=0.5, FairGrad alpha=1, Krum without adversaries, TrimmedMean without one value at each end,
           Constant with 1/K. PCD depends on the order of tasks: the first that the seed draws is its primary
Costs      its own Gramian, and K x P memory where a method works on coordinates; no extra backward pass
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torchjd import aggregation

from bench.errors import RunFailed, UserError
from methods import GradientCombination, Layout, RunInfo, Signals

ARGUMENTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "CAGrad": lambda tasks: {"c": 0.5},
    "Constant": lambda tasks: {"weights": torch.full((tasks,), 1 / tasks)},
    "FairGrad": lambda tasks: {"alpha": 1.0},
    "Krum": lambda tasks: {"n_byzantine": 0},
    "NashMTL": lambda tasks: {"n_tasks": tasks},
    "TrimmedMean": lambda tasks: {"trim_number": 1},
}
"""Arguments without a default, for K tasks."""
FEWEST = {"Krum": 3, "NashMTL": 2, "TrimmedMean": 3}
"""Least number of tasks that an aggregator takes."""
DRAWING = {"GradDrop", "GradVac", "PCGrad", "Random"}
"""Aggregators that draw, from the global generators of torch."""


class TorchJD(GradientCombination):
    name = "torchjd"
    version = 1
    state = ("aggregator",)
    variants = (
        "AlignedMTL",
        "CAGrad",
        "ConFIG",
        "Constant",
        "DualProj",
        "ExcessMTL",
        "FairGrad",
        "GradDrop",
        "GradVac",
        "IMTLG",
        "Krum",
        "MGDA",
        "Mean",
        "NashMTL",
        "PCD",
        "PCGrad",
        "Random",
        "Sum",
        "TrimmedMean",
        "UPGrad",
    )
    variant = "UPGrad"

    def begin(self, run: RunInfo) -> None:
        super().begin(run)
        label = f"torchjd/{self.variant}"
        if run.tasks < FEWEST.get(self.variant, 1):
            raise UserError(f"{label} needs {FEWEST[self.variant]} tasks or more; this suite has {run.tasks}.")
        arguments = ARGUMENTS[self.variant](run.tasks) if self.variant in ARGUMENTS else {}
        try:
            self.aggregator: aggregation.Aggregator = getattr(aggregation, self.variant)(**arguments)
        except ImportError as error:  # says which packages are missing
            raise UserError(f"{label}: {error}. `pip install 'torchjd[full]==0.18.0'` has all it needs.") from None

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        if not signals.gramian.norms.any():
            return torch.zeros_like(gradients[0])

        if self.variant == "Constant":  # the library does not move its weights
            self.aggregator.weighting.weights = self.aggregator.weighting.weights.to(gradients.device)

        with self._own_chance(gradients.device), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of NashMTL's solver, at every step: its speed, and divisions by zero
            try:
                answer: Tensor = self.aggregator(gradients.float())
            except (RuntimeError, ValueError) as error:
                raise RunFailed(f"step {signals.step + 1}: torchjd/{self.variant} raised: {error}") from error
        return answer

    @contextmanager
    def _own_chance(self, device: torch.device) -> Iterator[None]:
        """The global generators follow the method's own within, and are as they were after."""
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            if self.variant in DRAWING:
                seed = int(torch.randint(2**62, (), generator=self.generator))
                torch.default_generator.manual_seed(seed)
                if device.type == "cuda":
                    torch.cuda.default_generators[device.index].manual_seed(seed)
            yield
