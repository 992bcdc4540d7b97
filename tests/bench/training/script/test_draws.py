"""Rows for methods that choose tasks."""

import torch

from bench.training.script.draws import Draws

PLACES = {"add": [0, 2, 4, 6], "sub": [1, 3]}


def test_rows_follow_the_shares_and_each_comes_once_an_epoch() -> None:
    draws = Draws(PLACES, 0)
    shares = torch.tensor([2 / 3, 1 / 3], dtype=torch.float64)
    for _ in range(2):
        assert sorted(draws.take(shares, 3) + draws.take(shares, 3)) == [0, 1, 2, 3, 4, 6]


def test_the_seed_decides_the_order() -> None:
    shares = torch.tensor([0.5, 0.5], dtype=torch.float64)
    orders = [tuple(Draws(PLACES, seed).take(shares, 8)) for seed in (0, 0, 1, 2, 3)]
    assert orders[0] == orders[1]
    assert len(set(orders)) > 1


def test_it_goes_on_from_a_saved_state() -> None:
    shares = torch.tensor([0.7, 0.3], dtype=torch.float64)
    draws = Draws(PLACES, 3)
    draws.take(shares, 3)
    saved = draws.state_dict()
    later = draws.take(shares, 5)

    again = Draws(PLACES, 3)
    again.load_state_dict(saved)
    assert again.take(shares, 5) == later
