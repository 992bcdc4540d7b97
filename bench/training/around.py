"""A wrapper's step: the method inside it, and extra passes over the step's batch."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Generic

import torch
from torch import Tensor

from bench.engine.gradients import TaskGradients, gramian_of
from bench.engine.ledger import RunningLedger
from bench.training.answers import checked, direction_of, weights_of
from bench.training.batches import Batch, MicroBatch, TaskBatch
from methods import GradientCombination, Gramian, Method, Passes, Signals, StepWrapper


class Around:
    """A wrapper around a method. twin: a second copy of the method, for wrappers that combine twice."""

    def __init__(self, wrapper: StepWrapper, method: Method, twin: Method) -> None:
        self.wrapper = wrapper
        self.method = method
        self.twin = twin
        self.twin_signals: Signals | None = None

    @property
    def only_smooths(self) -> bool:
        """Whether weights are all the wrapper changes."""
        return type(self.wrapper).combine is StepWrapper.combine

    def smooth(self, weights: Tensor, signals: Signals) -> Tensor:
        """The method's weights [K], as the wrapper changes them."""
        changed = self.wrapper.smooth(weights, signals)
        return checked(self.wrapper, "weights", changed, tuple(weights.shape), signals.step)

    def direction(self, engine: TaskGradients, signals: Signals, passes: Passes) -> Tensor:
        """What the wrapper makes of the step, [P]."""
        rows = engine.rows
        layout = engine.layout

        def inner(gradients: Tensor, twin: bool = False) -> Tensor:
            method = self.twin if twin else self.method
            seen = signals if gradients is rows else _signals_of(gradients, signals)
            if twin:
                self.twin_signals = seen

            if isinstance(method, GradientCombination):
                return direction_of(method, gradients, layout, seen)
            weights = self.smooth(weights_of(method, seen), seen)
            return gradients.T @ weights.to(gradients.dtype).to(gradients.device)

        answer = self.wrapper.combine(rows, layout, inner, passes)
        return checked(self.wrapper, "a direction", answer, tuple(engine.combined.shape), signals.step)

    def observe(self, signals: Signals) -> None:
        """Close the step for the wrapper, and for the twin if it was asked."""
        self.wrapper.observe(signals)
        if self.twin_signals is not None:
            self.twin.observe(self.twin_signals)
        self.twin_signals = None


class ExtraPasses(Generic[Batch]):
    """`methods._base.Passes` over one step's batches; parameters come back bit for bit."""

    def __init__(
        self,
        task_gradients: TaskGradients,
        batches: Sequence[TaskBatch[Batch]],
        loss: Callable[[Batch], Tensor],
        ledger: RunningLedger,
    ) -> None:
        self._engine = task_gradients
        self._batches = batches
        self._loss = loss
        self._ledger = ledger

    def gradients(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task gradients, [K, P], that of task k at parameters + offset(k)."""
        rows = torch.zeros_like(self._engine.rows)
        for batch in self._batches:
            with self._moved(offset(batch.task)):
                self._engine.point_at(rows[batch.task])
                for micro in _micros(batch):
                    (self._loss(micro.data) * micro.share).backward()  # type: ignore[no-untyped-call]
                self._ledger.charge(batch.sequences, batch.tokens, batch.computed, backward=True)

        return self._engine.gathered(rows)

    def losses(self, offset: Callable[[int], Tensor]) -> Tensor:
        """Task losses, [K] float64, that of task k at parameters + offset(k); NaN for a task without prompts."""
        found = torch.full((self._engine.tasks,), float("nan"), dtype=torch.float64)
        for batch in self._batches:
            with self._moved(offset(batch.task)), torch.no_grad():
                total = torch.zeros((), dtype=torch.float64)
                for micro in _micros(batch):
                    total += self._loss(micro.data).double().cpu() * micro.share

                self._ledger.charge(batch.sequences, batch.tokens, batch.computed, backward=False)
                found[batch.task] = self._engine.world.sum(total)

        return found

    @contextmanager
    def _moved(self, offset: Tensor) -> Iterator[None]:
        kept = self._engine.parameters_now()
        self._engine.set_parameters(kept + offset)
        try:
            yield
        finally:
            self._engine.set_parameters(kept)


def _micros(batch: TaskBatch[Batch]) -> Iterator[MicroBatch[Batch]]:
    """Micro-batches of a task in this process."""
    for half in batch.halves:
        yield from half


def _signals_of(gradients: Tensor, signals: Signals) -> Signals:
    """Signals of other gradients of the same step: without halves, their diagonal has no unbiased estimate."""
    matrix = gramian_of(gradients)
    cross = matrix - torch.diag(matrix.diagonal()) + torch.diag(torch.full((len(matrix),), float("nan")))
    return replace(signals, gramian=Gramian(matrix), cross_gramian=cross)
