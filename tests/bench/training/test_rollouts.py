"""The factors that a suite puts on a task's advantages."""

import torch

from bench.training.rollouts import scaled
from methods import Rollouts


def rollouts() -> Rollouts:
    """Two tasks, two completions each."""
    ones = torch.ones(4)
    return Rollouts(
        task=torch.tensor([0, 0, 1, 1]),
        group=torch.tensor([0, 0, 1, 1]),
        rewards=ones,
        advantages=torch.tensor([1.0, -1.0, 0.5, -0.5]),
        lengths=ones,
        prompt_lengths=ones,
    )


def test_advantages_are_multiplied_by_their_tasks_factor_and_nothing_else_changes() -> None:
    given, found = rollouts(), scaled(rollouts(), [1.0, 10.0])
    assert found.advantages.tolist() == [1.0, -1.0, 5.0, -5.0]
    for field in ("task", "group", "rewards", "lengths", "prompt_lengths"):
        assert torch.equal(getattr(found, field), getattr(given, field))


def test_factors_of_one_leave_the_very_same_rollouts() -> None:
    given = rollouts()
    assert scaled(given, [1.0, 1.0]) is given
