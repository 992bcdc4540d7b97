"""The balanced step: per-task losses, per-task gradients, the method, clip. The optimizer steps after it.

Everything a training regime must give is a `TaskBatch` per task and a function from a micro-batch to its
mean loss; everything a method may touch is its answer to `Signals`.
"""

from collections.abc import Callable, Sequence
from typing import Generic, Literal

import torch
from torch import Tensor

from bench.engine.gradients import TaskGradients, inner_products, norm_of
from bench.engine.ledger import RunningLedger
from bench.engine.probe import Probe
from bench.engine.world import World
from bench.errors import RunFailed
from bench.training.answers import direction_of, weights_of
from bench.training.around import Around, ExtraPasses
from bench.training.batches import Batch, Measured, TaskBatch
from methods import GradientCombination, Gramian, Method, Passes, Signals


class BalancedStep(Generic[Batch]):
    """One optimizer step's gradient, from K task batches to what the optimizer sees."""

    def __init__(
        self,
        gradients: TaskGradients,
        method: Method,
        max_norm: float | None,
        ledger: RunningLedger,
        probe: Probe,
        around: Around | None = None,
        clip: Literal["absolute", "relative"] = "absolute",
    ) -> None:
        self.gradients = gradients
        self.method = method
        self.max_norm = max_norm
        self.ledger = ledger
        self.probe = probe
        self.around = around
        self.relative = clip == "relative"

        self.signals: Signals | None = None
        """Signals of the last step."""
        self.passes: ExtraPasses[Batch] | None = None
        """Over the last step's batch, where the method looks back at it."""

    def __call__(
        self, batches: Sequence[TaskBatch[Batch]], loss: Callable[[Batch], Tensor], measured: Measured
    ) -> Tensor:
        """Leave the clipped update direction in the parameters' `.grad`; return the share-weighted loss.

        loss: mean loss of a micro-batch over its sequences. RunFailed if a gradient or the method's answer is
        not finite.
        """
        losses = self.accumulate(batches, loss)
        passes = ExtraPasses(self.gradients, batches, loss, self.ledger)
        self.passes = passes if "second_forward" in self.method.needs else None
        self.conclude(losses, measured, passes)
        return (losses * measured.shares).nansum()

    def conclude(self, losses: Tensor, measured: Measured, passes: Passes) -> None:
        """Make the update of the task gradients at hand. losses: mean losses, [K], NaN for a task without prompts.

        RunFailed if a gradient or the method's answer is not finite.
        """
        self.signals = signals = self.measure(losses, measured)
        weights, norm = self.combine(signals, passes)
        clipped = self.clip(norm, signals)

        # the step is on record before the method sees it: a method that fails there leaves a whole record
        self.ledger.steps += 1
        self.probe.add(signals, weights, norm, clipped)

        self.method.observe(signals)
        if self.around:
            self.around.observe(signals)

    def clip(self, norm: float, signals: Signals) -> bool:
        """Scale the update, of this norm, as the recipe clips; whether that made it smaller.

        By its own norm, a method's convention of scale decides how much it is damped. Relative to the plain mean,
        every method is damped by the factor that `uniform` would be on the same gradients.
        """
        if self.max_norm is None:
            return False
        if self.relative:
            norm = norm_of(signals.shares, signals.gramian.matrix)
        return self.gradients.clip(norm, self.max_norm)

    def look_back(self) -> None:
        """Tell the method the losses of the last step's batch under the parameters as they are now."""
        if self.passes is not None:
            stay = torch.zeros((), dtype=self.gradients.dtype, device=self.gradients.device)
            self.method.updated(self.passes.losses(lambda task: stay))
        self.passes = None  # the batch is not kept beyond its step

    def accumulate(self, batches: Sequence[TaskBatch[Batch]], loss: Callable[[Batch], Tensor]) -> Tensor:
        """Backward through every half of every task, into its row. Returns mean losses, [K], NaN if absent."""
        losses = torch.full((self.gradients.tasks,), float("nan"), dtype=torch.float64)
        self.gradients.start()
        for batch in batches:
            means = []
            for row, half in zip((batch.task, self.gradients.tasks), batch.halves, strict=False):
                self.gradients.point(row)
                for micro in half:
                    scaled = loss(micro.data) * micro.share
                    (scaled * self.gradients.scale).backward()  # type: ignore[no-untyped-call]
                    means.append(scaled.detach())

            self.ledger.charge(batch.sequences, batch.tokens, batch.computed, backward=True)
            self.gradients.join(batch.task, batch.first_share)
            losses[batch.task] = whole(means, self.gradients.world)

        return losses

    def measure(self, losses: Tensor, measured: Measured) -> Signals:
        """Signals of the step: what was counted, and the Gramians of the gradients at hand."""
        matrix = self.gradients.gramian()
        if not matrix.isfinite().all():
            bad = [task for task in range(len(matrix)) if not matrix[task, task].isfinite()]
            raise RunFailed(
                f"step {self.ledger.steps + 1}: the gradient of blind task {bad or 'pairs'} is not finite; "
                "the run diverged. A lower recipe.learning_rate may help."
            )

        return Signals(
            step=self.ledger.steps,
            losses=losses,
            rewards=measured.rewards,
            mean_abs_advantage=measured.mean_abs_advantage,
            lengths=measured.lengths,
            prompt_lengths=measured.prompt_lengths,
            silent=measured.silent,
            shares=measured.shares,
            gramian=Gramian(matrix),
            cross_gramian=self.gradients.cross_gramian(matrix),
            validation_losses=measured.validation_losses,
        )

    def combine(self, signals: Signals, passes: Passes) -> tuple[Tensor, float]:
        """Let the method choose, and write the update. Returns realised weights [K] and the update's norm."""
        if self.around and not self.around.only_smooths:
            return self._place(self.around.direction(self.gradients, signals, passes), signals)
        if isinstance(self.method, GradientCombination):
            return self._place(direction_of(self.method, self.gradients.rows, self.gradients.layout, signals), signals)

        weights = weights_of(self.method, signals)
        if self.around:
            weights = self.around.smooth(weights, signals)
        self.gradients.combine(weights)

        return weights, norm_of(weights, signals.gramian.matrix)

    def _place(self, direction: Tensor, signals: Signals) -> tuple[Tensor, float]:
        self.gradients.place(direction)
        norm = inner_products(direction[None], direction[None]).item() ** 0.5
        return projection_weights(self.gradients.rows, direction, signals.gramian.matrix), norm


def whole(parts: Sequence[Tensor], world: World) -> Tensor:
    """The sum of parts of a task's loss, those of other processes included, float64."""
    mine = torch.stack(list(parts)).sum().double().cpu() if parts else torch.zeros((), dtype=torch.float64)
    return world.sum(mine)


def projection_weights(rows: Tensor, direction: Tensor, gramian: Tensor) -> Tensor:
    """Weights [K] of the task gradients that come nearest to a direction: least squares in their span."""
    products = inner_products(rows, direction[None])
    solution: Tensor = torch.linalg.lstsq(gramian, products, driver="gelsd").solution
    return solution[:, 0]
