"""Golden values of the published normalisations of GRPO's loss, and the sums they must come to."""

from collections.abc import Sequence

import pytest
import torch
from torch import Generator, Tensor

from methods import Rollouts, RunInfo, SampleWeighting
from methods.delta_l import DeltaL, DeltaLSettings
from methods.dr_grpo import DrGRPO
from methods.grpo import GRPO
from methods.popart import PopArt, PopArtSettings
from methods.token_mean import TokenMean

RUN = RunInfo(2, torch.tensor([100, 100]), 10, reply_tokens=50)


def completions(
    lengths: Sequence[int], rewards: Sequence[float] = (), group: Sequence[int] = (), task: Sequence[int] = ()
) -> Rollouts:
    """Completions with these lengths; advantages are normalised by group as the trainer does, in float32."""
    count = len(lengths)
    groups = torch.tensor(group or [0] * count)
    values = torch.tensor(rewards or [i % 2 for i in range(count)]).float()
    advantages = torch.zeros(count)
    for one in torch.unique(groups):
        mine = groups == one
        advantages[mine] = (values[mine] - values[mine].mean()) / (values[mine].std() + 1e-4)
    sizes = torch.tensor(lengths)
    return Rollouts(torch.tensor(task or [0] * count), groups, values, advantages, sizes, sizes)


def started(method: SampleWeighting) -> SampleWeighting:
    return method.start(RUN)


def test_grpo_is_what_the_trainer_does() -> None:
    rollouts = completions([4, 1, 0])
    assert torch.equal(started(GRPO()).advantages(rollouts), rollouts.advantages)
    assert GRPO().token_weights(rollouts).tolist() == [0.25, 1.0, 1.0]


CENTRED = [
    # one in four right: the mean is 1/4
    ([1.0, 0.0, 0.0, 0.0], [0.75, -0.25, -0.25, -0.25]),
    # no division: a split group is not louder than that
    ([1.0, 1.0, 0.0, 0.0], [0.5, 0.5, -0.5, -0.5]),
    # all alike
    ([1.0, 1.0], [0.0, 0.0]),
]


def test_dr_grpo_only_centres() -> None:
    """All groups of the table in one step, completions of the first apart from each other."""
    rewards = [reward for row, _ in CENTRED for reward in row]
    expected = torch.tensor([value for _, row in CENTRED for value in row])
    group = [at for at, (row, _) in enumerate(CENTRED) for _ in row]
    order = torch.randperm(len(group), generator=Generator().manual_seed(0)).tolist()
    rollouts = completions([5] * len(group), [rewards[i] for i in order], [7 + group[i] for i in order])
    found = started(DrGRPO()).advantages(rollouts)
    torch.testing.assert_close(found, expected[order])


def test_dr_grpo_undoes_the_division_by_the_deviation() -> None:
    rollouts = completions([5] * 8, torch.randn(8, generator=Generator().manual_seed(0)).sigmoid().tolist())
    expected = rollouts.advantages * (rollouts.rewards.std() + 1e-4)
    torch.testing.assert_close(DrGRPO().advantages(rollouts), expected)


def test_dr_grpo_weighs_every_token_of_a_run_the_same() -> None:
    """1 / 50, the longest reply, whatever the lengths."""
    torch.testing.assert_close(started(DrGRPO()).token_weights(completions([3, 20, 0])), torch.full((3,), 0.02))


def test_token_mean_is_the_mean_over_the_tokens_of_the_step() -> None:
    """Tasks' mean losses, weighted with their shares of the prompts, against the plain sum over tokens."""
    task = [0, 0, 0, 0, 1, 1]
    rollouts = completions([3, 9, 4, 4, 30, 10], task=task)
    per_token = torch.randn(6, 30, generator=Generator().manual_seed(0))
    per_token *= torch.arange(30) < rollouts.lengths[:, None]
    per_completion = TokenMean().token_weights(rollouts) * per_token.sum(dim=1)
    losses = torch.stack([per_completion[rollouts.task == k].mean() for k in (0, 1)])
    torch.testing.assert_close(losses @ torch.tensor([4 / 6, 2 / 6]), per_token.sum() / 60)


DELTA_L = [
    # published shares of completions of 10, 20 and 40 tokens
    (0.0, [1 / 3, 1 / 3, 1 / 3]),
    (0.75, [0.513306, 0.305213, 0.181481]),
    (1.0, [0.571429, 0.285714, 0.142857]),
]


@pytest.mark.parametrize(("alpha", "shares"), DELTA_L)
def test_delta_l(alpha: float, shares: list[float]) -> None:
    """The published shares, times 3 completions, over the mean length 70/3."""
    found = started(DeltaL(DeltaLSettings(alpha=alpha))).token_weights(completions([10, 20, 40]))
    torch.testing.assert_close(found, torch.tensor(shares) * 3 / (70 / 3), rtol=0, atol=1e-6)


def test_delta_l_of_equal_lengths_is_grpo() -> None:
    rollouts = completions([8] * 4)
    torch.testing.assert_close(started(DeltaL()).token_weights(rollouts), GRPO().token_weights(rollouts))


def test_delta_l_keeps_its_constant() -> None:
    """Mean weight 1 / 8 in every step of the run: the constant is that of the first."""
    method = started(DeltaL())
    for lengths in ([8, 8], [10, 40], [1, 0]):
        assert method.token_weights(completions(lengths)).mean().item() == pytest.approx(1 / 8)
    method.reset()
    assert method.token_weights(completions([10, 30])).mean().item() == pytest.approx(1 / 20)


def test_delta_l_has_the_least_variance_at_one() -> None:
    """Of sum_i x_i G_i with variance L_i of G_i: 1 / sum_i (1 / L_i), the harmonic bound."""
    rollouts = completions([3, 17, 40, 41])
    lengths = rollouts.lengths.float()

    def variance(alpha: float) -> Tensor:
        weights = started(DeltaL(DeltaLSettings(alpha=alpha))).token_weights(rollouts)
        return ((weights / weights.sum()).square() * lengths).sum()

    torch.testing.assert_close(variance(1.0), 1 / (1 / lengths).sum())
    assert variance(1.0) < variance(0.75) < variance(0.0)


def test_popart_divides_by_the_deviation_of_the_task() -> None:
    """Rewards 1, 0, 0, 0 and 1, 1, 0, 0 in two groups of one task: mean 3/8, variance 15/64."""
    rollouts = completions([5] * 8, [1, 0, 0, 0, 1, 1, 0, 0], [0, 0, 0, 0, 1, 1, 1, 1])
    found = started(PopArt()).advantages(rollouts)
    expected = torch.tensor([0.75, -0.25, -0.25, -0.25, 0.5, 0.5, -0.5, -0.5]) / (15 / 64) ** 0.5
    torch.testing.assert_close(found, expected)


def test_popart_remembers() -> None:
    """With decay 1/2, weights 1/3 and 2/3: means 1/2 and 1/4, squares the same: 1/3 - 1/9 = 2/9."""
    method = started(PopArt(PopArtSettings(decay=0.5)))
    method.advantages(completions([5] * 4, [1, 1, 0, 0]))
    found = method.advantages(completions([5] * 4, [1, 0, 0, 0]))
    torch.testing.assert_close(found, torch.tensor([0.75, -0.25, -0.25, -0.25]) / (2 / 9) ** 0.5)


def test_popart_scales_each_task_by_itself() -> None:
    """Rare rewards are loud: 1 in 4 against 2 in 4; a task that always gets the same has no advantage."""
    rollouts = completions([5] * 8, [1, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1], [0, 0, 0, 0, 1, 1, 1, 1])
    found = started(PopArt()).advantages(rollouts)
    assert found[4:].tolist() == [0.0] * 4
    torch.testing.assert_close(found[:4], torch.tensor([0.75, -0.25, -0.25, -0.25]) / (3 / 16) ** 0.5)
