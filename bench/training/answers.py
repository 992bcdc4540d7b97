"""What a method answers, checked before it is used; a run that fails says step, method, answer and rule."""

from collections.abc import Callable, Sequence

from torch import Tensor

from bench.errors import RunFailed
from methods import GradientCombination, Layout, Method, Rollouts, SampleWeighting, Signals, TaskSampling, Weighting

SUM = 1e-6
"""How far from 1 shares may sum."""
WROTE = "changed the task gradients it was given; it may read them"
SHOWN = 64
"""Most numbers of a wrong answer that are printed."""


def proportions_of(method: TaskSampling, tasks: int, step: int) -> Tensor:
    """Intended shares of the next step's prompts, [K]: not negative, sum 1."""
    return checked(method, "proportions", method.proportions(), (tasks,), step, _shares)


def sample_weights_of(method: SampleWeighting, rollouts: Rollouts, step: int) -> tuple[Tensor, Tensor]:
    """Advantages and token weights, [N] each; no token weight is negative."""
    shape = (len(rollouts.task),)
    advantages = checked(method, "advantages", method.advantages(rollouts), shape, step)
    return advantages, checked(method, "token weights", method.token_weights(rollouts), shape, step, _not_negative)


def weights_of(method: Method, signals: Signals) -> Tensor:
    """Weights of the task gradients, [K]; the prompts' shares for a method that does not choose any."""
    if not isinstance(method, Weighting):
        return signals.shares.double()
    answer = method.combine_weights(signals)
    return checked(method, "weights", answer, tuple(signals.shares.shape), signals.step)


def direction_of(method: GradientCombination, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
    """The direction, [P], that a method makes of gradients [K, P]."""
    before = gradients._version
    answer = method.combine(gradients, layout, signals)

    # torch counts the writes to a tensor
    if gradients._version != before:
        raise _refused(method, signals.step, WROTE)

    return checked(method, "a direction", answer, (gradients.shape[1],), signals.step)


def checked(
    method: Method,
    what: str,
    answer: object,
    shape: Sequence[int],
    step: int,
    rule: Callable[[Tensor], str] = lambda answer: "",
) -> Tensor:
    """The answer, if it is a finite tensor of that shape, free of the autograd graph, that keeps `rule`.

    RunFailed otherwise. step: from 0, or the step before; rule: what is wrong with an answer, '' if nothing.
    """
    if not isinstance(answer, Tensor):
        raise _refused(method, step, f"returned {what} of type {type(answer).__name__}; a tensor is allowed")

    # a rule sees only answers that pass all other tests
    wrong = ""
    if tuple(answer.shape) != tuple(shape):
        wrong = f"of shape {list(answer.shape)}; {list(shape)} is allowed"
    elif answer.requires_grad:
        wrong = "that hang in a graph of parameters (requires_grad); detach them, a method may not touch parameters"
    elif not answer.isfinite().all():
        wrong = f"with {int((~answer.isfinite()).sum())} values that are not finite; all must be"
    else:
        wrong = rule(answer)

    if wrong:
        shown = f": {answer.tolist()}" if answer.numel() <= SHOWN else ""
        raise _refused(method, step, f"returned {what} {wrong}{shown}")

    return answer


def _shares(answer: Tensor) -> str:
    total = answer.double().sum().item()
    return _not_negative(answer) or (f"that sum to {total:.6g}; the sum must be 1" if abs(total - 1) > SUM else "")


def _not_negative(answer: Tensor) -> str:
    negative = int((answer < 0).sum())
    return f"with {negative} below 0; none may be" if negative else ""


def _refused(method: Method, step: int, what: str) -> RunFailed:
    return RunFailed(f"step {step + 1}: method {method.name!r} {what}.")
