"""Common random numbers: fixed by what they are for, uniform, and independent."""

import pytest
import torch

from bench.models.noise import uniforms


def test_the_same_purpose_gives_the_same_numbers_whatever_was_drawn_before():
    first = uniforms(8, "rollout", 0, "lookup", 3, 1)
    torch.randn(5)
    uniforms(100, "rollout", 0, "lookup", 3, 2)
    assert first.equal(uniforms(8, "rollout", 0, "lookup", 3, 1))
    assert first.dtype == torch.float64


def test_longer_replies_begin_with_the_same_numbers():
    """So that a larger `max_reply_tokens` changes no draw that was made under a smaller one."""
    assert uniforms(40, "a")[:7].equal(uniforms(7, "a"))


@pytest.mark.parametrize("other", [("rollout", 1, "lookup", 3, 1), ("rollout", 0, "lookup", 3, 0), ("evaluation", 0)])
def test_another_purpose_gives_other_numbers(other):
    assert not uniforms(8, "rollout", 0, "lookup", 3, 1).equal(uniforms(8, *other))


def test_they_are_uniform_and_neighbours_are_independent():
    """4,000 numbers of 500 replies: mean 1/2, variance 1/12, no correlation between replies; bounds are 5 sigma."""
    drawn = torch.stack([uniforms(8, "rollout", 0, "lookup", place, 0) for place in range(500)])
    assert ((drawn >= 0) & (drawn < 1)).all()
    assert abs(drawn.mean().item() - 0.5) < 5 * (1 / 12 / drawn.numel()) ** 0.5
    assert abs(drawn.var().item() - 1 / 12) < 5 * (1 / 180 / drawn.numel()) ** 0.5
    neighbours = torch.corrcoef(torch.stack([drawn[:-1].flatten(), drawn[1:].flatten()]))[0, 1]
    assert abs(neighbours.item()) < 5 / drawn.numel() ** 0.5


def test_golden_numbers():
    """NumPy keeps the stream of Philox; if it ever changed, every run would meet other noise under one protocol."""
    assert uniforms(3, "rollout", 0, "lookup", 0, 0).tolist() == pytest.approx(GOLDEN, abs=0)


GOLDEN = [0.656471989869247, 0.8557740921643633, 0.8013839904951151]
