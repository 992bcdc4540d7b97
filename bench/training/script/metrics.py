"""What a step says of each task, among the metrics of the trainer's log; and the passes that such a trainer lacks."""

import math
from collections.abc import Callable, Mapping, Sequence

from torch import Tensor

from bench.engine.probe import Probe
from bench.errors import RunFailed
from methods import Signals


class Metrics(Probe):
    """Stands in for the record's probe: adds `tasks/NAME/...` to what the trainer logs next.

    reward; share: of the step's sequences; squared_norm of the task's gradient, as the method sees it, and the estimate
    of that of the expected gradient, without bias, where there is one; weight; loss, of a regime without rewards.
    A number that is not there is left out.
    """

    def __init__(self, tasks: Sequence[str], metrics: Mapping[str, dict[str, list[float]]]) -> None:
        super().__init__()
        self.tasks = tasks
        self.metrics = metrics

    def add(self, signals: Signals, weights: Tensor, update_norm: float, clipped: bool) -> None:
        """Note one step, and keep none."""
        found = {
            "reward": signals.rewards,
            "share": signals.shares,
            "squared_norm": signals.gramian.matrix.diagonal(),
            "squared_norm_unbiased": signals.cross_gramian.diagonal(),
            "weight": weights,
        }
        if signals.rewards.isnan().all():
            found["loss"] = signals.losses

        log = self.metrics["train"]
        for name, values in found.items():
            for task, value in zip(self.tasks, values.tolist(), strict=True):
                if not math.isnan(value):
                    log[f"tasks/{task}/{name}"].append(value)


class NoPasses:
    """`methods.Passes` where none can be made: methods that declare that they need them are refused before."""

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        """RunFailed."""
        raise RunFailed(f"extra passes were asked for, {offset}, and the method does not say so in its `needs`.")

    losses = gradients
