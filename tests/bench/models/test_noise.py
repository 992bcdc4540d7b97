"""Common random numbers: fixed by what they are for, of the Gumbel distribution, and independent."""

import pytest
import torch
from scipy.stats import gumbel_r, kstest
from torch import Tensor

from bench.models.noise import AT_ONCE, gumbels, key_of


def keys(*purposes: object) -> Tensor:
    return torch.tensor([key_of("noise", purpose) for purpose in purposes])


def test_a_reply_has_its_numbers_whatever_is_drawn_beside_or_before_it():
    alone = gumbels(keys("b"), 5, 40)
    gumbels(keys("x"), 0, 7)
    assert gumbels(keys("a", "b", "c"), 5, 40)[1:2].equal(alone)
    assert alone.dtype == torch.float32


def test_a_larger_vocabulary_begins_with_the_same_numbers():
    assert gumbels(keys("a"), 2, 900)[:, :40].equal(gumbels(keys("a"), 2, 40))


@pytest.mark.parametrize("other", [("rollout", 1, "lookup", 3, 1), ("rollout", 0, "lookup", 3, 0), ("evaluation", 0)])
def test_another_purpose_or_position_gives_other_numbers(other):
    purpose = ("rollout", 0, "lookup", 3, 1)
    first = gumbels(torch.tensor([key_of(*purpose)]), 0, 8)
    assert key_of(*purpose) == key_of(*purpose)
    assert not gumbels(torch.tensor([key_of(*other)]), 0, 8).equal(first)
    assert not gumbels(torch.tensor([key_of(*purpose)]), 1, 8).equal(first)


@pytest.mark.parametrize("position", [0, 1, 31, 4_000])
def test_they_have_the_gumbel_distribution(position):
    """60,000 numbers of 300 replies, by Kolmogorov and Smirnov at one in a thousand; the numbers are fixed."""
    drawn = gumbels(keys(*range(300)), position, 200).flatten().numpy()
    assert kstest(drawn, gumbel_r.cdf).pvalue > 1e-3


def test_neighbours_are_independent():
    """Replies, positions and tokens beside each other; a correlation of 20,000 pairs is within 5 sigma of 0."""
    here, later = (gumbels(keys(*range(100)), position, 200) for position in (0, 1))
    for one, other in ((here, later), (here[1:], here[:-1]), (here[:, 1:], here[:, :-1])):
        correlation = torch.corrcoef(torch.stack([one.flatten(), other.flatten()]))[0, 1]
        assert abs(correlation.item()) < 5 / one.numel() ** 0.5


def test_a_large_vocabulary_is_computed_in_parts_that_do_not_show():
    few, many = keys(1, 2, 3, 4, 5), AT_ONCE // 2 + 1
    whole = gumbels(few, 7, many)
    assert all(gumbels(few[row : row + 1], 7, many).equal(whole[row : row + 1]) for row in range(len(few)))


def test_golden_numbers():
    """They are part of the protocol: any other would be other noise under one number."""
    found = gumbels(torch.tensor([key_of("rollout", 0, "lookup", 0, 0)]), 2, 3)
    assert found[0].tolist() == pytest.approx(GOLDEN, rel=1e-6)


def test_the_bits_are_those_of_splitmix64():
    """The first outputs of the generator seeded with 1234567, as its authors publish them."""
    from bench.models.noise import GOLDEN as STEP
    from bench.models.noise import _mixed

    seeds = torch.tensor([1234567]) + torch.arange(1, 4) * STEP
    assert [value % 2**64 for value in _mixed(seeds).tolist()] == [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
    ]


GOLDEN = [0.2130149, 1.1371719, 0.9354263]
