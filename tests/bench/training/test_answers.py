"""What a method may answer: each bad answer is refused with the step, the method, the answer and the rule."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from bench.errors import RunFailed
from bench.training.answers import direction_of, proportions_of, sample_weights_of, weights_of
from methods import GradientCombination, Gramian, Layout, LossWeighting, Rollouts, SampleWeighting, Signals
from methods import TaskSampling as Sampling

ONES = torch.ones(2, dtype=torch.float64)
SIGNALS = Signals(
    4, ONES, ONES, ONES, ONES, ONES, ONES, ONES / 2, Gramian(torch.eye(2).double()), torch.eye(2).double()
)
ROLLOUTS = Rollouts(torch.tensor([0, 1]), torch.tensor([0, 1]), ONES, ONES, ONES, ONES)
LAYOUT = Layout(("theta",), (3,), ((3,),))


class Answering(Sampling, SampleWeighting, LossWeighting, GradientCombination):
    """Answers what it is told to, wherever it is asked."""

    name, version = "answering", 1

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def proportions(self) -> Tensor:
        return self.answer

    def token_weights(self, rollouts: Rollouts) -> Tensor:
        return self.answer

    def weights(self, signals: Signals) -> Tensor:
        return self.answer

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        return self.answer


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ([0.5, 0.5], r"proportions of type list; a tensor is allowed"),
        (torch.tensor([0.5, 0.5, 0.0]), r"proportions of shape \[3\]; \[2\] is allowed: \[0.5, 0.5, 0.0\]"),
        (torch.tensor([1.5, -0.5]), r"proportions with 1 below 0; none may be: \[1.5, -0.5\]"),
        (torch.tensor([0.5, 0.6]), r"that sum to 1.1; the sum must be 1"),
        (torch.tensor([float("nan"), 1.0]), r"1 values that are not finite; all must be"),
    ],
)
def test_proportions_are_shares(answer: object, said: str) -> None:
    with pytest.raises(RunFailed, match=f"step 5: method 'answering' returned .*{said}"):
        proportions_of(Answering(answer), 2, 4)


def test_token_weights_are_one_a_completion_and_not_negative() -> None:
    with pytest.raises(RunFailed, match=r"step 5: method 'answering' returned token weights with 2 below 0"):
        sample_weights_of(Answering(-ONES), ROLLOUTS, 4)
    with pytest.raises(RunFailed, match=r"token weights of shape \[1\]; \[2\] is allowed"):
        sample_weights_of(Answering(torch.ones(1)), ROLLOUTS, 4)


def test_weights_may_not_hang_in_a_graph_of_parameters() -> None:
    theta = torch.nn.Parameter(ONES.clone())
    with pytest.raises(RunFailed, match=r"step 5: .*requires_grad.* may not touch parameters"):
        weights_of(Answering(theta * ONES), SIGNALS)


@pytest.mark.parametrize("answer", [torch.ones(2), torch.tensor([1.0, float("inf"), 0.0])])
def test_a_direction_is_finite_and_has_one_entry_a_parameter(answer: Tensor) -> None:
    with pytest.raises(RunFailed, match=r"step 5: method 'answering' returned a direction"):
        direction_of(Answering(answer), torch.ones(2, 3), LAYOUT, SIGNALS)


class Writing(GradientCombination):
    """Writes into the gradients it was given."""

    name, version = "writing", 1

    def combine(self, gradients: Tensor, layout: Layout, signals: Signals) -> Tensor:
        return gradients.mul_(2)[0]


def test_the_task_gradients_are_read_only() -> None:
    with pytest.raises(RunFailed, match=r"step 5: method 'writing' changed the task gradients"):
        direction_of(Writing(), torch.ones(2, 3), LAYOUT, SIGNALS)


def test_good_answers_pass_unchanged() -> None:
    half = torch.tensor([0.25, 0.75])
    assert proportions_of(Answering(half), 2, 0) is half
    assert sample_weights_of(Answering(ONES), ROLLOUTS, 0)[1] is ONES
    assert weights_of(Answering(ONES), replace(SIGNALS)).tolist() == [1, 1]
