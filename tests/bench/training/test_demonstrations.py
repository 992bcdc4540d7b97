"""Demonstrations as batches: what is trained, how it is weighed, and how processes share it. By hand."""

import pytest
import torch

from bench.engine.world import World
from bench.training.demonstrations import IGNORED, Demonstration, collated, counted, task_batches, tokens

CPU = torch.device("cpu")
SHOWN = [
    Demonstration(1, [10, 11], [20, 2]),
    Demonstration(0, [10], [21, 22, 23, 2]),
    Demonstration(1, [10, 11, 12], [24, 2]),
    Demonstration(1, [13], [25, 26, 27, 28, 2]),
    Demonstration(1, [14], [2]),
]
"""Task 0: one reply of 4 tokens; task 1: replies of 2 and 2 in the first half, of 5 and 1 in the second."""


def test_the_prompt_is_masked_and_the_end_is_trained():
    batch = collated(SHOWN[:2], padding=0, device=CPU)
    assert batch["input_ids"].tolist() == [[10, 11, 20, 2, 0], [10, 21, 22, 23, 2]]
    assert batch["labels"].tolist() == [[IGNORED, IGNORED, 20, 2, IGNORED], [IGNORED, 21, 22, 23, 2]]
    assert batch["attention_mask"].tolist() == [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]]


def test_every_answer_token_of_a_task_counts_the_same():
    """Shares of halves and of micro-batches are shares of tokens: 4 of 10 are in the first half of task 1."""
    only, both = task_batches(SHOWN, 100, World(), 0, CPU)
    assert (only.task, only.first_share, only.sequences, only.tokens, len(only.halves)) == (0, None, 1, 4, 1)
    assert (both.task, both.first_share, both.sequences, both.tokens) == (1, 0.4, 4, 10)
    assert [[micro.share for micro in half] for half in both.halves] == [[0.4], [0.6]]
    one_by_one = task_batches(SHOWN, 1, World(), 0, CPU)[1]
    assert [[micro.share for micro in half] for half in one_by_one.halves] == [[0.2, 0.2], [0.5, 0.1]]
    assert [len(micro.data["input_ids"]) for half in one_by_one.halves for micro in half] == [1] * 4


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("most", [1, 100])
def test_processes_share_a_half_and_go_in_step(size, most):
    """All parts together are the whole; each process has as many micro-batches, so that sharded passes meet."""
    parts = [task_batches(SHOWN, most, World(rank, size), 0, CPU) for rank in range(size)]
    for batches in zip(*parts, strict=True):
        assert len({(b.task, b.first_share, b.sequences, b.tokens) for b in batches}) == 1
        assert len({tuple(len(half) for half in b.halves) for b in batches}) == 1
        assert all(half for b in batches for half in b.halves)
        shares = [sum(micro.share for micro in half) for b in batches for half in b.halves]
        assert sum(shares) == pytest.approx(1)
        for places in zip(*(b.halves for b in batches), strict=True):
            owned = [micro for half in places for micro in half if micro.share]
            labels = [row[row != IGNORED].tolist() for micro in owned for row in micro.data["labels"]]
            task = batches[0].task
            assert all(words in [one.reply for one in SHOWN if one.task == task] for words in labels)
        rows = [len(micro.data["labels"]) for b in batches for half in b.halves for micro in half if micro.share]
        assert sum(rows) == batches[0].sequences
        assert max(rows) <= most


def test_what_is_counted():
    measured = counted(SHOWN, 3)
    nan = float("nan")
    assert tokens(SHOWN) == 14
    torch.testing.assert_close(measured.shares, torch.tensor([0.2, 0.8, 0.0], dtype=torch.float64))
    wanted = torch.tensor([4.0, 2.5, nan], dtype=torch.float64)
    torch.testing.assert_close(measured.lengths, wanted, equal_nan=True)
    wanted = torch.tensor([1.0, 1.75, nan], dtype=torch.float64)
    torch.testing.assert_close(measured.prompt_lengths, wanted, equal_nan=True)
    assert measured.rewards.isnan().all()
    assert measured.mean_abs_advantage.isnan().all()
    torch.testing.assert_close(measured.silent, torch.tensor([0.0, 0.0, nan], dtype=torch.float64), equal_nan=True)
    assert measured.validation_losses is None
