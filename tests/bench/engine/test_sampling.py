"""Shares into whole prompts, rows in a seeded order, tasks in a blind order."""

import pytest
import torch

from bench.engine.sampling import Apportionment, PromptStream, blind_order, seeded
from tasks import Row


def shares(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("wanted", [(0.25,) * 4, (0.7, 0.1, 0.1, 0.1), (1.0, 0.0, 0.0, 0.0), (0.01, 0.33, 0.33, 0.33)])
def test_every_step_has_the_whole_total_and_realised_shares_follow_the_intended(wanted):
    apportionment = Apportionment(4, 10)
    counts = torch.tensor([apportionment.counts(shares(*wanted)) for _ in range(200)])
    assert (counts.sum(dim=1) == 10).all()
    assert (counts >= 0).all()
    realised = counts.sum(dim=0).double() / counts.sum()
    torch.testing.assert_close(realised, shares(*wanted), atol=1e-3, rtol=0)  # at most one prompt of carry


def test_equal_shares_give_equal_counts_every_step():
    apportionment = Apportionment(3, 12)
    assert [apportionment.counts(shares(1 / 3, 1 / 3, 1 / 3)) for _ in range(5)] == [[4, 4, 4]] * 5


def test_changing_shares_never_owe_a_negative_count():
    apportionment = Apportionment(2, 3)
    for step in range(50):
        counts = apportionment.counts(shares(1.0, 0.0) if step % 2 else shares(0.0, 1.0))
        assert sum(counts) == 3
        assert min(counts) >= 0


def rows(count: int) -> list[Row]:
    return [Row("t", "train", i, f"prompt {i}", "answer", {}) for i in range(count)]


def test_a_stream_shows_every_row_once_an_epoch_in_a_new_order():
    stream = PromptStream(rows(7), seed=0)
    first, second = ([row.index for _, row in stream.take(7)] for _ in range(2))
    assert sorted(first) == sorted(second) == list(range(7))
    assert first != second


def test_a_row_has_its_place_however_often_the_stream_has_gone_round():
    stream = PromptStream(rows(3), seed=0)
    assert [place for place, _ in [*stream.take(2), *stream.take(5)]] == list(range(7))


def test_the_same_seed_gives_the_same_rows_however_they_are_taken():
    one, other = PromptStream(rows(9), seed=3), PromptStream(rows(9), seed=3)
    assert one.take(6) == [*other.take(2), *other.take(4)]
    assert one.take(5) != PromptStream(rows(9), seed=4).take(5)


@pytest.mark.parametrize("taken", [0, 3, 9, 25])
def test_a_stream_is_moved_to_where_another_is(taken):
    one, other = PromptStream(rows(9), seed=3), PromptStream(rows(9), seed=3)
    one.take(taken)
    other.take(4)
    other.move_to(taken)
    assert (one.taken, one.take(13)) == (other.taken, other.take(13))


def test_blind_order_depends_on_the_seed_and_not_on_how_the_suite_lists_its_tasks():
    names = ["a", "b", "c", "d", "e"]
    orders = {tuple(blind_order(names, seed)) for seed in range(20)}
    assert len(orders) > 5
    assert all(sorted(order) == [0, 1, 2, 3, 4] for order in orders)


def test_generators_of_different_purposes_differ():
    assert seeded(0, "method").initial_seed() != seeded(0, "rows").initial_seed()
