"""The running ledger: what a run has consumed, and whether a counter of the budget is used up."""

import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import torch

from bench.records.schema import Budget, Ledger


@dataclass
class RunningLedger:
    """Counters of `bench.records.schema.Ledger`, counted by the harness as it goes; no method sees it."""

    steps: int = 0
    prompts: int = 0
    rollouts: int = 0
    sampled_tokens: int = 0
    trained_tokens: int = 0
    forward_passes: int = 0
    backward_passes: int = 0
    reward_calls: int = 0
    computed_tokens: int = 0
    rollout_tokens: int = 0
    _began: float = field(default_factory=time.perf_counter)
    _spent_before: float = field(default_factory=lambda: -time.process_time())
    _peak: int = 0

    def start_clock(self) -> None:
        """Training begins now."""
        self._began = time.perf_counter()
        self._spent_before = -time.process_time()

    def state_dict(self) -> dict[str, float]:
        """What a later attempt at the run goes on from: counters, seconds so far, and the memory's peak."""
        return {**self._counters(), **self._measured()}

    def load_state_dict(self, saved: Mapping[str, float]) -> None:
        """Go on from a saved state, the clock included."""
        for name in self._counters():
            setattr(self, name, saved[name])
        self._began = time.perf_counter() - saved["wall_seconds"]
        self._spent_before = saved["cpu_seconds"] - time.process_time()
        self._peak = int(saved["peak_memory_bytes"])

    def charge(self, sequences: int, tokens: int, computed: int, backward: bool) -> None:
        """Count sequences sent forward for a loss, the tokens that entered it, and the way back.

        computed: tokens through the model, prompts and padding included.
        """
        self.forward_passes += sequences
        self.computed_tokens += computed
        self.backward_passes += sequences if backward else 0
        self.trained_tokens += tokens

    @property
    def wall_seconds(self) -> float:
        """Seconds since the clock was started, and those of earlier attempts that were saved."""
        return time.perf_counter() - self._began

    @property
    def cpu_seconds(self) -> float:
        """Processor time since the clock was started, and that of earlier attempts that were saved."""
        return time.process_time() + self._spent_before

    @property
    def peak_memory_bytes(self) -> int:
        """The largest memory in bytes, of this process and of earlier attempts."""
        return max(self._peak, peak_memory_bytes())

    def snapshot(self) -> Ledger:
        """The ledger as a record has it."""
        return Ledger(**self._counters(), **self._measured())

    def _measured(self) -> dict[str, Any]:
        return {
            "wall_seconds": round(self.wall_seconds, 3),
            "cpu_seconds": round(self.cpu_seconds, 3),
            "peak_memory_bytes": self.peak_memory_bytes,
        }

    def _counters(self) -> dict[str, int]:
        return {each.name: getattr(self, each.name) for each in fields(self) if not each.name.startswith("_")}

    def used_up(self, budget: Budget, beyond: bool = False) -> str:
        """The first counter of the budget that is reached, as a sentence; '' if there is none.

        beyond: only a counter that is exceeded counts, as after the last step.
        """
        for name in Budget.model_fields:
            limit = getattr(budget, name)
            value = getattr(self, name)
            if limit is not None and (value > limit or (value == limit and not beyond)):
                return f"budget.{name}={limit:.12g} was reached ({value:.12g} used)"
        return ""


def peak_memory_bytes() -> int:
    """Largest resident set of this process so far, or largest allocation on its accelerator."""
    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
